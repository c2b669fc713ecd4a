/**
 * The receiver of webhooks is down while messages flow, and the server is killed meanwhile and while it catches up. The
 * senders' own records decide: everything that was acknowledged arrives, in the order of its channel, nothing is made up.
 * WK_WEBHOOK_MESSAGES sets how many messages.
 */
import { expect, test } from "vitest";
import { GROUP } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";
import { type NotifiedMessage, WebhookReceiver } from "../harness/webhook-receiver.ts";
import { WireClient } from "../harness/wire-client.ts";
import { webhookState } from "./webhook-state.ts";

const MESSAGES = Number(process.env["WK_WEBHOOK_MESSAGES"] ?? 20_000);
const SENDERS = 8;
const BURST = 200;
/** The part of all messages after which the server is killed, with bursts under way. */
const KILLS = [0.3, 0.7];

interface Acknowledged {
  readonly seq: number;
  readonly text: string;
}

test(
  `P21: ${MESSAGES} messages while the receiver is down and three kill -9: every one is told of, in order`,
  async () => {
    await using receiver = await WebhookReceiver.start();
    await receiver.close();
    const settings = {
      "webhook.httpAddr": receiver.url,
      "webhook.msgNotifyEventPushInterval": "50ms",
      "webhook.retryIntervalMax": "500ms",
      disableEncryption: true,
    };
    await using server = await ServerProcess.start({ settings });
    const groups = await Promise.all(
      Array.from({ length: SENDERS }, async () => {
        const uid = uniqueId("sender");
        const id = uniqueId("group");
        await server.backEnd.createGroup(id, [uid]);
        return { uid, id };
      }),
    );
    const acknowledged = new Map<string, Acknowledged>();
    const perSender = Math.ceil(MESSAGES / SENDERS);
    let starts = 1;
    let restarting: Promise<void> = Promise.resolve();
    const kills = KILLS.map((part) => Math.floor(part * MESSAGES));
    const killWhenDue = (): void => {
      if (kills[0] === undefined || acknowledged.size < kills[0]) return;
      kills.shift();
      starts++;
      restarting = server.restart("SIGKILL");
    };
    const work = async ({ uid, id }: { readonly uid: string; readonly id: string }): Promise<void> => {
      for (let sent = 0; sent < perSender; sent += BURST) {
        let open = Array.from({ length: Math.min(BURST, perSender - sent) }, (_, index) => `${uid}-${sent + index}`);
        while (open.length > 0) {
          await restarting;
          using client = (await WireClient.connect({ port: server.tcpPort, uid }).catch(() => undefined)) ?? NOBODY;
          open = await sendAll(client, id, open, acknowledged, killWhenDue);
        }
      }
    };
    const startedMs = performance.now();
    await Promise.all(groups.map(work));
    const sentMs = performance.now() - startedMs;
    expect(acknowledged.size).toBe(perSender * SENDERS);
    expect(kills).toEqual([]);

    const state = await eventually(async () => {
      const { followers } = await webhookState(server);
      return followers[0]?.is_counting === false && followers[0];
    }, "the lag has been counted");
    // Every start stores one message of its own.
    expect(state.lag_messages).toBe(acknowledged.size + starts);
    const residentWhileDown = server.residentBytes() ?? 0;

    await receiver.open();
    const openedMs = performance.now();
    await eventually(() => receiver.notified().length > MESSAGES / 3, "it is caught up with", 600_000);
    await server.restart("SIGKILL");
    starts++;
    await eventually(
      async () => {
        const [follower] = (await webhookState(server)).followers;
        return follower?.is_counting === false && follower.lag_messages === 0;
      },
      "everything has been told",
      600_000,
    );
    const notified = receiver.notified();
    console.log(
      `${acknowledged.size} messages sent in ${Math.round(sentMs)} ms, resident ${Math.round(residentWhileDown / 1e6)} MB then; ` +
        `told in ${Math.round(performance.now() - openedMs)} ms, ${receiver.taken.length} requests, ` +
        `${notified.length - new Set(notified.map((each) => each.message_idstr)).size} messages twice`,
    );
    expect(mistakes(notified, acknowledged, new Set(groups.map(({ id }) => id)))).toEqual([]);
  },
  120_000 + MESSAGES * 5,
);

/** A client that could not connect. */
const NOBODY = {
  burst: async () => [],
  [Symbol.dispose]: () => undefined,
} satisfies Pick<WireClient, "burst" | typeof Symbol.dispose>;

/** What was not acknowledged, and must be sent again. */
async function sendAll(
  client: Pick<WireClient, "burst">,
  to: string,
  numbers: readonly string[],
  acknowledged: Map<string, Acknowledged>,
  sent: () => void,
): Promise<string[]> {
  const texts = new Map(numbers.map((number) => [number, `text of ${number}`]));
  const outgoing = [...texts].map(([clientMsgNo, payload]) => ({ to, type: GROUP, payload, clientMsgNo }));
  const answering = client.burst(outgoing);
  sent();
  for (const answer of await answering)
    if (answer.outcome === "answered" && answer.reason === 1)
      acknowledged.set(answer.clientMsgNo, { seq: answer.messageSeq, text: texts.get(answer.clientMsgNo)! });
  return numbers.filter((number) => !acknowledged.has(number));
}

function mistakes(
  notified: readonly NotifiedMessage[],
  acknowledged: ReadonlyMap<string, Acknowledged>,
  groups: ReadonlySet<string>,
): string[] {
  const found: string[] = [];
  const lastSeqs = new Map<string, number>();
  const told = new Set<string>();
  for (const message of notified) {
    if (!groups.has(message.channel_id)) continue;
    const number = message.client_msg_no;
    const sent = acknowledged.get(number);
    if (sent === undefined) found.push(`${number} was sent by nobody`);
    else if (sent.seq !== message.message_seq) found.push(`${number} has seq ${message.message_seq}, not ${sent.seq}`);
    else if (Buffer.from(message.payload, "base64").toString() !== sent.text) found.push(`${number} has another text`);
    const last = lastSeqs.get(message.channel_id) ?? 0;
    // Again from an earlier place, or the next one: never over one.
    if (message.message_seq > last + 1) found.push(`${message.channel_id}: ${message.message_seq} follows ${last}`);
    lastSeqs.set(message.channel_id, message.message_seq);
    told.add(number);
  }
  for (const number of acknowledged.keys()) if (!told.has(number)) found.push(`${number} is never told of`);
  return found.slice(0, 20);
}
