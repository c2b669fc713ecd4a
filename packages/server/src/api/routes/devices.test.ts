import { describe, expect, test } from "vitest";
import type { KnownDevice } from "../../messaging/users.ts";
import { refusal, session, TestApi } from "../test-kit.ts";

const CREATED_MS = 1_776_840_000_123;

function device(flag: number, given: Partial<KnownDevice> = {}): KnownDevice {
  return { flag, token: `t${flag}`, level: "slave", createdMs: CREATED_MS, updatedMs: CREATED_MS + 60_000, ...given };
}

async function flagsOf(api: TestApi, query: string): Promise<{ more: unknown; flags: unknown[]; last: bigint }> {
  const { text, json } = await api.get(`/cluster/devices?uid=u&${query}`);
  const { more, data } = json as { more: number; data: { device_flag: number }[] };
  const times = [...text.matchAll(/"created_at":(\d+)/g)].map(([, digits]) => BigInt(digits ?? "0"));
  return { more, flags: data.map((shown) => shown.device_flag), last: times.at(-1) ?? 0n };
}

describe("GET /cluster/devices", () => {
  test("shows a device that has a token, but not the token, its times and what its open connections moved", async () => {
    const api = new TestApi();
    api.devices = [device(1, { level: "master" })];
    api.sessions.set("u", [session("u", 5, 1), session("u", 6, 1), session("u", 7, 0)]);
    const numbers = { ip: "", port: 0, ageMs: 0, idleMs: 0, pendingBytes: 0 };
    const packets = { inPackets: 9, inPacketBytes: 9, outPackets: 9, outPacketBytes: 9 };
    const messages = { inMessages: 1, inMessageBytes: 20, outMessages: 3, outMessageBytes: 40 };
    for (const of of api.sessions.get("u") ?? [])
      api.connections.push({ session: of, ...numbers, ...packets, ...messages });
    const { status, text, json } = await api.get("/cluster/devices?uid=u");
    expect(status).toBe(200);
    expect(text).toContain('"created_at":1776840000123000001');
    expect(text).toContain('"updated_at":1776840060123000000');
    expect(json).toMatchObject({
      total: 1,
      more: 0,
      data: [
        {
          uid: "u",
          token: "******",
          device_flag: 1,
          device_flag_format: "WEB",
          device_level: 1,
          device_level_format: "主设备",
          conn_count: 2,
          send_msg_count: 2,
          recv_msg_count: 6,
          send_msg_bytes: 40,
          recv_msg_bytes: 80,
          created_at_format: "2026-04-22 06:40",
          updated_at_format: "2026-04-22 06:41",
        },
      ],
    });
  });

  test("a device keeps its id, and no two share one", async () => {
    const api = new TestApi();
    api.devices = [device(0), device(1)];
    const ids = async (): Promise<unknown[]> => {
      const { json } = await api.get("/cluster/devices?uid=u");
      return (json as { data: { id: number }[] }).data.map(({ id }) => id);
    };
    const first = await ids();
    expect(new Set(first).size).toBe(2);
    expect(await ids()).toEqual(first);
  });

  test("pages both ways bring each device once, newest first", async () => {
    const api = new TestApi();
    api.devices = [device(0, { createdMs: CREATED_MS + 1 }), device(1), device(2), device(3)];
    const first = await flagsOf(api, "limit=2");
    expect(first).toMatchObject({ more: 1, flags: [0, 3] });
    const second = await flagsOf(api, `limit=2&offset_created_at=${first.last}`);
    expect(second).toMatchObject({ more: 0, flags: [2, 1] });
    expect(await flagsOf(api, `limit=2&pre=1&offset_created_at=${second.last}`)).toMatchObject({
      more: 1,
      flags: [3, 2],
    });
  });

  test("device_flag picks one", async () => {
    const api = new TestApi();
    api.devices = [device(0), device(99)];
    expect(await flagsOf(api, "device_flag=99")).toMatchObject({ flags: [99] });
    expect(await flagsOf(api, "device_flag=5")).toMatchObject({ flags: [] });
  });

  test("without a token there is nothing to hide", async () => {
    const api = new TestApi();
    api.devices = [device(0, { token: "" })];
    expect((await api.get("/cluster/devices?uid=u")).json).toMatchObject({ data: [{ token: "" }] });
  });

  test("without a uid all devices come page by page, and without their tokens", async () => {
    const api = new TestApi();
    api.devices = [device(0), device(1)];
    const { text, json } = await api.get("/cluster/devices?device_flag=1&cursor=x&pre=1&limit=7");
    expect(api.asked.at(-1)).toEqual(["devices", { cursor: "x", isBackwards: true, limit: 7 }]);
    expect(json).toMatchObject({
      total: 0,
      more: 1,
      cursor: "c",
      pre_cursor: "b",
      data: [{ uid: "u", device_flag: 1 }],
    });
    expect(text).not.toContain('"t1"');
    expect(await api.get("/cluster/devices?offset_created_at=5")).toMatchObject({ status: 400 });
    expect(await api.get("/cluster/devices?node_id=77")).toMatchObject(refusal("节点不存在！"));
  });
});
