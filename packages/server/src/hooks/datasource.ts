/**
 * The datasource: a URL of the back end that is asked for what it knows better than the store. One POST per question,
 * `{"cmd":…,"data":…}`; only a 200 with the right JSON counts as an answer.
 *
 *   getSystemUIDs                {}                            array of uids
 *   getSubscribers               {channel_id, channel_type}    array of uids
 *   getBlacklist, getWhitelist   the same                      array of uids
 *   getChannelInfo               the same                      object of flags, 0 or 1
 *
 * `null` for an array is an empty one, as Go writes it.
 */
import type { ChannelFlags } from "../messaging/channels.ts";
import type { ChannelKey } from "../messaging/message.ts";
import { isUid } from "../messaging/valid-ids.ts";
import type { Clock, HttpCalling } from "../world/world.ts";
import { Turns } from "./turns.ts";

export type ListQuestion = "getSubscribers" | "getBlacklist" | "getWhitelist";

/** No answer that can be used: the text says why. */
class DatasourceFailure extends Error {
  override readonly name = "DatasourceFailure";
}

export interface DatasourceDeps {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly http: HttpCalling;
  /** For the log: why questions get no answer, once; null when they do again. */
  readonly stateChanged: (failsBecause: string | null) => void;
  readonly options: DatasourceOptions;
}

export interface DatasourceOptions {
  readonly url: string;
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
  /** Questions under way; more wait for their turn, each for at most the time limit. */
  readonly questionsMax: number;
}

export class Datasource {
  readonly #deps: DatasourceDeps;
  readonly #turns: Turns;
  #isFailing = false;

  constructor(deps: DatasourceDeps) {
    this.#deps = deps;
    this.#turns = new Turns(deps.options.questionsMax);
  }

  systemUids(): Promise<readonly string[]> {
    return this.#ask("getSystemUIDs", {}, uidsOf);
  }

  list(question: ListQuestion, channel: ChannelKey): Promise<readonly string[]> {
    return this.#ask(question, wireChannel(channel), uidsOf);
  }

  /** Flags that are not named: `ban`, `disband` and `large` are off, the others not known. */
  info(channel: ChannelKey): Promise<Partial<ChannelFlags>> {
    return this.#ask("getChannelInfo", wireChannel(channel), flagsOf);
  }

  async #ask<Answer>(cmd: string, data: object, read: (json: unknown) => Answer | undefined): Promise<Answer> {
    try {
      const answer = await this.#answerTo(cmd, data, read);
      if (this.#isFailing) this.#deps.stateChanged(null);
      this.#isFailing = false;
      return answer;
    } catch (error) {
      if (!this.#isFailing) this.#deps.stateChanged(error instanceof Error ? error.message : String(error));
      this.#isFailing = true;
      throw error;
    }
  }

  async #answerTo<Answer>(cmd: string, data: object, read: (json: unknown) => Answer | undefined): Promise<Answer> {
    const { clock, http, options } = this.#deps;
    const untilMs = clock.monotonicMs() + options.timeoutMs;
    await this.#turns.take();
    try {
      if (clock.monotonicMs() > untilMs) throw new DatasourceFailure("too many questions are waiting");
      const { status, body } = await http.post({
        url: options.url,
        headers: { "content-type": "application/json" },
        body: Buffer.from(JSON.stringify({ cmd, data })),
        timeoutMs: options.timeoutMs,
        answerBytesMax: options.answerBytesMax,
      });
      if (status !== 200) throw new DatasourceFailure(`${cmd} was answered with status ${status}`);
      const answer = read(parsed(body));
      if (answer === undefined) throw new DatasourceFailure(`${cmd} was answered with JSON of another form`);
      return answer;
    } finally {
      this.#turns.end();
    }
  }
}

function wireChannel({ id, type }: ChannelKey): object {
  return { channel_id: id, channel_type: type };
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new DatasourceFailure("the answer is not JSON");
  }
}

/** Each once, without those that nobody can log in with. */
function uidsOf(json: unknown): readonly string[] | undefined {
  if (json === null) return [];
  if (!Array.isArray(json) || !json.every((item) => typeof item === "string")) return undefined;
  return [...new Set<string>(json)].filter((uid) => uid.isWellFormed() && isUid(uid));
}

const FLAG_NAMES = {
  ban: "ban",
  disband: "disband",
  large: "large",
  send_ban: "sendBan",
  allow_stranger: "allowStranger",
} as const;

function flagsOf(json: unknown): Partial<ChannelFlags> | undefined {
  if (json === null) return flagsOf({});
  if (typeof json !== "object" || Array.isArray(json)) return undefined;
  const flags: { -readonly [Name in keyof ChannelFlags]?: boolean } = { ban: false, disband: false, large: false };
  for (const [wire, name] of Object.entries(FLAG_NAMES)) {
    const value: unknown = (json as Record<string, unknown>)[wire];
    if (value === undefined || value === null) continue;
    if (value !== 0 && value !== 1 && typeof value !== "boolean") return undefined;
    flags[name] = value === 1 || value === true;
  }
  return flags;
}
