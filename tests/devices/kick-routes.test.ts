/** Every way to end a session really ends it: the socket is closed, and nothing it sends afterwards is stored. */
import { expect, test } from "vitest";
import { PERSON, texts } from "../harness/back-end.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import type { Answer } from "../harness/wire-client.ts";

const shared = sharedServer();
const WEB = 1;
const MASTER = 1;
const SLAVE = 0;
const CLOSED_WITHIN_MS = 8_000;

interface Route {
  readonly name: string;
  /** undefined: closed without a word. */
  readonly told: { readonly reason: number; readonly text: string } | undefined;
  readonly end: (uid: string) => Promise<unknown>;
}

const ROUTES: readonly Route[] = [
  {
    name: "/user/token with master level",
    told: { reason: 12, text: "账号在其他设备上登录" },
    end: (uid) => shared.current.backEnd.setToken(uid, "another", WEB, MASTER),
  },
  {
    name: "/user/device_quit",
    told: { reason: 12, text: "" },
    end: async (uid) => {
      await shared.current.backEnd.setToken(uid, "t", WEB, SLAVE);
      await shared.current.http.ask("/user/device_quit", { uid, device_flag: -1 });
    },
  },
  { name: "/conn/kick", told: { reason: 12, text: "server kick" }, end: (uid) => endAll(uid, "/conn/kick") },
  { name: "/conn/remove", told: undefined, end: (uid) => endAll(uid, "/conn/remove") },
];

interface Cell extends Route {
  readonly transport: "tcp" | "websocket";
}

const CELLS: readonly Cell[] = ROUTES.flatMap((route) =>
  (["tcp", "websocket"] as const).map((transport) => ({ ...route, transport })),
);

interface Shown {
  readonly id: number;
  readonly uid: string;
  readonly [name: string]: unknown;
}

async function connectionsOf(uid: string): Promise<readonly Shown[]> {
  const { body } = await shared.current.http.get(`/connz?uid=${uid}&limit=100`);
  return (body as unknown as { connections: Shown[] }).connections;
}

async function endAll(uid: string, path: string): Promise<void> {
  for (const { id } of await connectionsOf(uid)) await shared.current.http.ask(path, { uid, conn_id: id });
}

test("a session that does nothing about its kick is closed, over both transports", async () => {
  await Promise.all(CELLS.map(endsQuietSession));
});

async function endsQuietSession({ name, end, told, transport }: Cell): Promise<void> {
  const title = `${name} over ${transport}`;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using kicked = await shared.current.connect(a, { deviceFlag: WEB, transport });
  using peer = await shared.current.connect(b);
  await end(a);
  // Offline as soon as the call has answered.
  expect(await shared.current.backEnd.onlineStatus([a]), title).toEqual([]);
  expect(await connectionsOf(a), title).toEqual([]);
  await peer.sendOk({ to: a, type: PERSON, payload: "late" });
  expect(await kicked.until(() => kicked.isClosed, CLOSED_WITHIN_MS), `${title}: closed`).toBe(true);
  expect(kicked.disconnected, title).toEqual(told);
  expect(kicked.take(), `${title}: receives nothing more`).toEqual([]);
  expect(texts(await shared.current.backEnd.history(a, b, PERSON)), title).toEqual(["late"]);
}

test("what is sent before a kick is answered or the session closed, what is sent after it is not stored", async () => {
  await Promise.all(CELLS.map(endsBusySession));
});

async function endsBusySession({ name, end, told, transport }: Cell): Promise<void> {
  const title = `${name} over ${transport}`;
  const { backEnd } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using kicked = await shared.current.connect(a, { deviceFlag: WEB, transport });
  const send = (text: string, count: number): Promise<Answer[]> =>
    kicked.burst(Array.from({ length: count }, (_item, n) => ({ to: b, type: PERSON, payload: `${text}${n}` })));
  const before = send("before", 300);
  await end(a);
  const after = await send("after", 50);
  const answers = await before;
  expect(
    after.filter(({ outcome }) => outcome !== "closed"),
    title,
  ).toEqual([]);
  expect(
    answers.filter(({ outcome }) => outcome === "silent"),
    title,
  ).toEqual([]);
  expect(kicked.isClosed, title).toBe(true);
  const stored = texts(await backEnd.history(b, a, PERSON));
  const acknowledged = answers.flatMap((answer, n) =>
    answer.outcome === "answered" && answer.reason === 1 ? [`before${n}`] : [],
  );
  expect(
    stored.filter((text) => text.startsWith("after")),
    title,
  ).toEqual([]);
  expect(
    acknowledged.filter((text) => !stored.includes(text)),
    title,
  ).toEqual([]);
  // A session that is told has time for its answers; one that is closed at once knows that it does not know.
  if (told === undefined) return;
  expect(
    stored.filter((text) => !acknowledged.includes(text)),
    title,
  ).toEqual([]);
}

test("/connz counts what a session sends and receives", async () => {
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using sender = await shared.current.connect(a, { deviceFlag: WEB, deviceId: `${a}-device`, transport: "websocket" });
  using receiver = await shared.current.connect(b);
  const payloads = ["one", "three", "ä"];
  for (const payload of payloads) await sender.sendOk({ to: b, type: PERSON, payload });
  await receiver.takeSome(payloads.length);
  expect(await receiver.ping(), "its RECVACKs are read").toBe(true);
  const payloadBytes = Buffer.byteLength(payloads.join(""));
  // CONNECT and three SENDs, CONNACK and three SENDACKs.
  expect(await connectionsOf(a)).toMatchObject([
    {
      uid: a,
      device: "Web(从)",
      device_id: `${a}-device`,
      ip: "127.0.0.1",
      in_msgs: 3,
      out_msgs: 0,
      in_packets: 4,
      out_packets: 4,
    },
  ]);
  // CONNECT, three RECVACKs and a PING, CONNACK, three RECVs and a PONG.
  const [shown] = await connectionsOf(b);
  expect(shown).toMatchObject({ in_msgs: 0, out_msgs: 3, out_msg_bytes: payloadBytes, in_packets: 5, out_packets: 5 });
  expect((await connectionsOf(a))[0]).toMatchObject({ in_msg_bytes: payloadBytes });
  expect(shown!["out_packet_bytes"]).toBeGreaterThan(payloadBytes);
});

test("R-69: a new token of slave level leaves the old session, one of master level ends it, as in v2.2.5", async () => {
  const { backEnd } = shared.current;
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using old = await shared.current.connect(a, { deviceFlag: WEB });
  await backEnd.setToken(a, "second", WEB, SLAVE);
  await old.sendOk({ to: b, type: PERSON, payload: "still here" });
  expect(old.disconnected).toBeUndefined();
  await backEnd.setToken(a, "third", WEB, MASTER);
  expect(await old.until(() => old.isClosed, CLOSED_WITHIN_MS)).toBe(true);
  expect(old.disconnected).toEqual({ reason: 12, text: "账号在其他设备上登录" });
});
