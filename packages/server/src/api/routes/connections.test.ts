import { describe, expect, test } from "vitest";
import type { LiveConnection } from "../../delivery/live-connections.ts";
import { OK, refusal, session, TEST_NOW_MS, TestApi } from "../test-kit.ts";

const FLAG_APP = 0;

function connection(id: number, given: Partial<LiveConnection> = {}): LiveConnection {
  return {
    session: session(`u${id}`, id, FLAG_APP),
    ip: "203.0.113.9",
    port: 4_000 + id,
    ageMs: 65_000,
    idleMs: 2_000,
    pendingBytes: 0,
    inMessages: 1,
    inMessageBytes: 2,
    inPackets: 3,
    inPacketBytes: 4,
    outMessages: 5,
    outMessageBytes: 6,
    outPackets: 7,
    outPacketBytes: 8,
    ...given,
  };
}

async function idsOf(api: TestApi, query: string): Promise<readonly number[]> {
  const { json } = await api.get(`/connz?${query}`);
  return (json as { connections: { id: number }[] }).connections.map(({ id }) => id);
}

describe("GET /connz", () => {
  test("shows one connection with all its numbers", async () => {
    const api = new TestApi();
    api.connections.push(connection(7, { session: { ...session("u7", 7, 1), deviceLevel: "master" } }));
    const { status, json } = await api.get("/connz");
    expect(status).toBe(200);
    expect(json).toEqual({
      connections: [
        {
          id: 7,
          uid: "u7",
          ip: "203.0.113.9",
          port: 4_007,
          last_activity: new Date(TEST_NOW_MS - 2_000).toISOString(),
          uptime: "1m5s",
          idle: "2s",
          pending_bytes: 0,
          in_msgs: 1,
          out_msgs: 5,
          in_msg_bytes: 2,
          out_msg_bytes: 6,
          in_packets: 3,
          out_packets: 7,
          in_packet_bytes: 4,
          out_packet_bytes: 8,
          device: "Web(主)",
          device_id: "device7",
          version: 5,
          proxy_type_format: "本地连接",
          leader_id: 1001,
          node_id: 1001,
        },
      ],
      now: new Date(TEST_NOW_MS).toISOString(),
      total: 2,
      offset: 0,
      limit: 20,
    });
  });

  test("every sort works in both directions", async () => {
    const api = new TestApi();
    const rising = (n: number): LiveConnection =>
      connection(n, {
        session: { ...session(`u${n}`, n, FLAG_APP), version: n },
        ageMs: n,
        idleMs: n,
        pendingBytes: n,
        inMessages: n,
        inMessageBytes: n,
        inPackets: n,
        inPacketBytes: n,
        outMessages: n,
        outMessageBytes: n,
        outPackets: n,
        outPacketBytes: n,
      });
    api.connections.push(...[2, 3, 1].map(rising));
    const counters = ["inMsg", "outMsg", "inPacket", "outPacket"].flatMap((name) => [name, `${name}Bytes`]);
    for (const name of [...counters, "id", "pendingBytes", "uptime", "idle", "protoVersion"]) {
      expect(await idsOf(api, `sort=${name}`), name).toEqual([1, 2, 3]);
      expect(await idsOf(api, `sort=${name}Desc`), name).toEqual([3, 2, 1]);
    }
  });

  test("an unknown sort leaves the order as it is, whatever its name", async () => {
    const api = new TestApi();
    api.connections.push(connection(2), connection(1));
    for (const name of ["nothing", "toString", "__proto__", "Desc"])
      expect(await idsOf(api, `sort=${name}`)).toEqual([2, 1]);
  });

  test("a page of many connections is the same as that part of all", async () => {
    const api = new TestApi();
    const count = 12_000;
    const keyOf = (id: number): number => (id * 7_919) % count;
    for (let id = 1; id <= count; id++) api.connections.push(connection(id, { inMessages: keyOf(id) }));
    const all = Array.from({ length: count }, (_item, n) => n + 1).sort((a, b) => keyOf(b) - keyOf(a));
    expect(await idsOf(api, "sort=inMsgDesc&offset=5990&limit=30")).toEqual(all.slice(5_990, 6_020));
    expect(await idsOf(api, "sort=inMsgDesc&offset=-3&limit=-1")).toEqual(all.slice(0, 20));
    expect(await idsOf(api, `offset=${count}`)).toEqual([]);
  });

  test("uid filters by any part of it; blanks filter nothing", async () => {
    const api = new TestApi();
    api.connections.push(connection(12), connection(21), connection(3));
    expect(await idsOf(api, "uid=2")).toEqual([12, 21]);
    expect(await idsOf(api, "uid=%20")).toEqual([3, 12, 21]);
  });

  test("another node is not here", async () => {
    const api = new TestApi();
    expect(await api.get("/connz?node_id=77")).toMatchObject(refusal("节点不存在！"));
    expect(await api.get("/connz?node_id=1001")).toMatchObject({ status: 200 });
  });
});

describe("POST /conn/kick and /conn/remove", () => {
  test("kick tells why and closes within 2 s; remove closes at once", async () => {
    const api = new TestApi();
    api.connections.push(connection(7));
    expect(await api.post("/conn/kick", { uid: "u7", conn_id: 7 })).toMatchObject(OK);
    expect(await api.post("/conn/remove", { uid: "u7", conn_id: 7, node_id: 1001 })).toMatchObject(OK);
    expect(api.asked).toEqual([
      ["disconnect", [7], 12, "server kick", 2_000],
      ["disconnect", [7], null, "server kick", 0],
    ]);
  });

  test.each([
    ["of another user", { uid: "u8", conn_id: 7 }],
    ["of another node", { uid: "u7", conn_id: 7, node_id: 77 }],
    ["that is not there", { uid: "u7", conn_id: 987_654_321 }],
  ])("a connection %s is left alone", async (_which, body) => {
    const api = new TestApi();
    api.connections.push(connection(7));
    expect(await api.post("/conn/kick", body)).toMatchObject(OK);
    expect(await api.post("/conn/remove", body)).toMatchObject(OK);
    expect(api.asked).toEqual([]);
  });

  test("without a number, or for another node to do, they are refused", async () => {
    const api = new TestApi();
    for (const path of ["/conn/kick", "/conn/remove"]) {
      expect(await api.post(path, { uid: "u7" })).toMatchObject(refusal("conn_id is 0"));
      expect(await api.post(path, { uid: "u7", op_node_id: 77 })).toMatchObject(refusal("node not found"));
      expect(await api.postRaw(path, "{")).toMatchObject({ status: 400 });
    }
  });
});
