import { SYSTEM_UID } from "@wukong-ts/protocol";
import { expect, test } from "vitest";
import type { StoredMessage } from "../messaging/message.ts";
import { MessageNotify } from "./message-notify.ts";
import type { WebhookEvent } from "./webhook.ts";

class Sender {
  readonly events: WebhookEvent[] = [];
  readonly answers: PromiseWithResolvers<void>[] = [];
  wants(): boolean {
    return true;
  }
  deliver(event: WebhookEvent): Promise<void> {
    this.events.push(event);
    const answer = Promise.withResolvers<void>();
    this.answers.push(answer);
    return answer.promise;
  }
  get texts(): string[][] {
    return this.events.map(({ body }) =>
      (JSON.parse(Buffer.from(body).toString()) as { client_msg_no: string }[]).map((each) => each.client_msg_no),
    );
  }
}

function message(no: string, change: Partial<StoredMessage> = {}): StoredMessage {
  return {
    id: { high: 1, low: Number(no) },
    seq: Number(no),
    countedTotal: 0,
    timeSeconds: 1,
    channel: { type: 2, id: "g" },
    log: "chat",
    fromUid: "ann",
    clientMsgNo: no,
    session: 0,
    flags: 2,
    setting: 0,
    expireSeconds: 0,
    topic: "",
    payload: Buffer.from("hi"),
    ...change,
  };
}

function notify(wants: (each: StoredMessage) => boolean = () => true) {
  const sender = new Sender();
  const soon: (() => void)[] = [];
  const timers = { after: () => ({ cancel: () => undefined }), soon: (run: () => void) => void soon.push(run) };
  const follower = new MessageNotify(sender, timers, { name: "n", messagesMax: 3, lingerMs: 0, bytesMax: 1, wants });
  const turn = (): void => {
    for (const run of soon.splice(0)) run();
  };
  return { sender, follower, turn };
}

test("portions of one turn go into one request, as many as fit", async () => {
  const { sender, follower, turn } = notify();
  const handled: number[] = [];
  for (const [shard, nos] of [["1", "2"], ["3"], ["4"], ["5", "6", "7"]].entries())
    void follower
      .handle(
        shard,
        nos.map((no) => message(no)),
      )
      .then(() => handled.push(shard));
  turn();
  expect(sender.texts).toEqual([["1", "2", "3"], ["4"], ["5", "6", "7"]]);
  sender.answers[0]!.resolve();
  await sender.answers[0]!.promise;
  await Promise.resolve();
  await Promise.resolve();
  expect(handled).toEqual([0, 1]);
});

test("a portion whose request fails is not handled", async () => {
  const { sender, follower, turn } = notify();
  const handling = follower.handle(0, [message("1")]);
  turn();
  sender.answers[0]!.reject(new Error("stopped"));
  await expect(handling).rejects.toThrow("stopped");
});

test("large messages are not put together", () => {
  const { sender, follower, turn } = notify();
  for (const no of ["1", "2", "3"])
    void follower.handle(Number(no), [message(no, { payload: new Uint8Array(600_000) })]);
  turn();
  expect(sender.texts).toEqual([["1"], ["2"], ["3"]]);
});

test("the same messages are the same event, others are another one, and it names its messages", () => {
  const { sender, follower, turn } = notify();
  void follower.handle(0, [message("1"), message("2")]);
  turn();
  void follower.handle(0, [message("1"), message("2")]);
  turn();
  void follower.handle(0, [message("1"), message("3")]);
  turn();
  const [first, second, third] = sender.events;
  expect(first?.id).toMatch(/^notify_[0-9a-f]{32}$/);
  expect(second?.id).toBe(first?.id);
  expect(third?.id).not.toBe(first?.id);
  expect(first?.messageIds).toEqual([
    { high: 1, low: 1 },
    { high: 1, low: 2 },
  ]);
});

test("messages that nobody wants are handled at once", async () => {
  const { sender, follower, turn } = notify(({ channel }) => channel.type === 2);
  await follower.handle(0, [message("1", { channel: { type: 11, id: "ann@bot" } })]);
  void follower.handle(0, [message("2", { channel: { type: 11, id: "ann@bot" } }), message("3")]);
  turn();
  expect(sender.texts).toEqual([["3"]]);
});

test("persons go by the receiver, commands keep their suffix, the system has no uid", () => {
  const { sender, follower, turn } = notify();
  void follower.handle(0, [
    message("1", { channel: { type: 1, id: "ben@ann" } }),
    message("2", { log: "command", flags: 4 }),
    message("3", { fromUid: SYSTEM_UID }),
  ]);
  turn();
  const shown = JSON.parse(Buffer.from(sender.events[0]!.body).toString()) as Record<string, unknown>[];
  expect(shown.map((each) => [each["from_uid"], each["channel_id"]])).toEqual([
    ["ann", "ben"],
    ["ann", "g____cmd"],
    ["", "g"],
  ]);
  expect(shown[1]!["header"]).toEqual({ no_persist: 0, red_dot: 0, sync_once: 1 });
});
