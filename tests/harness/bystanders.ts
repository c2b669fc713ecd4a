/**
 * Two users who chat while others misbehave. They notice everything that ordinary people would: an answer or a message
 * that does not come, comes twice, in another order or changed, and a connection that ends.
 */
import { PERSON } from "./back-end.ts";
import { delay, uniqueId } from "./waiting.ts";
import { WireClient } from "./wire-client.ts";

const PAUSE_MS = 10;
const PATIENCE_MS = 30_000;

export class Bystanders {
  readonly #clients: readonly [WireClient, WireClient];
  readonly #chatting: Promise<void>;
  readonly complaints: string[] = [];
  messageCount = 0;
  #isOver = false;

  private constructor(clients: readonly [WireClient, WireClient]) {
    this.#clients = clients;
    this.#chatting = this.#chat();
  }

  static async start(server: { readonly tcpPort: number; readonly wsPort: number }): Promise<Bystanders> {
    return new Bystanders([
      await WireClient.connect({ port: server.tcpPort, uid: uniqueId("watcher") }),
      await WireClient.connect({ port: server.wsPort, uid: uniqueId("watcher"), transport: "websocket" }),
    ]);
  }

  /** Ends the chat; gives what they noticed. */
  async finish(): Promise<readonly string[]> {
    this.#isOver = true;
    await this.#chatting;
    for (const client of this.#clients) {
      this.complaints.push(...client.faults);
      client.close();
    }
    if (this.messageCount === 0) this.complaints.push("nothing was said");
    return this.complaints;
  }

  async #chat(): Promise<void> {
    while (!this.#isOver && this.complaints.length === 0) {
      const [from, to] = this.messageCount % 2 === 0 ? this.#clients : [this.#clients[1], this.#clients[0]];
      const text = `message ${++this.messageCount}`;
      const answer = await from.send({ to: to.uid, type: PERSON, payload: text }, PATIENCE_MS);
      if (answer.outcome !== "answered" || answer.reason !== 1) {
        this.complaints.push(`${text} was answered ${JSON.stringify({ ...answer, messageId: undefined })}`);
        return;
      }
      if (answer.messageSeq !== this.messageCount) this.complaints.push(`${text} has seq ${answer.messageSeq}`);
      if (!(await to.until(() => to.received.length > 0, PATIENCE_MS))) {
        this.complaints.push(`${text} was never received`);
        return;
      }
      const texts = to.received.splice(0).map((message) => message.payload.toString());
      if (texts.length !== 1 || texts[0] !== text) this.complaints.push(`instead of ${text} came ${texts.join(", ")}`);
      await delay(PAUSE_MS);
    }
  }
}
