import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { ServerProcess, toYaml } from "./server-process.ts";

test("dotted settings become nested YAML", () => {
  expect(toYaml({ addr: "tcp://x", "external.ip": "127.0.0.1", "external.tcpAddr": "a", tokenAuthOn: true })).toBe(
    'addr: "tcp://x"\nexternal:\n  ip: "127.0.0.1"\n  tcpAddr: "a"\ntokenAuthOn: true\n',
  );
});

test("a server starts, keeps its data over SIGTERM and SIGKILL, and leaves nothing behind", async () => {
  let directory = "";
  let pid = 0;
  {
    await using server = await ServerProcess.start();
    directory = server.directory;
    const message = { from_uid: "a", channel_id: "b", channel_type: 1, payload: "eA==" };
    expect((await server.http.post("/message/send", message)).status).toBe(200);
    await server.restart("SIGTERM");
    expect((await server.http.post("/message/send", message)).status).toBe(200);
    await server.restart("SIGKILL", { whitelistOffOfPerson: false });
    const head = await server.http.get("/channel/max_message_seq?channel_id=b&channel_type=1&login_uid=a");
    expect(head.text).toContain('"message_seq":2');
    pid = server.pid;
  }
  expect(existsSync(directory)).toBe(false);
  expect(() => process.kill(pid, 0)).toThrow();
});

test("a server that cannot start says why", async () => {
  await expect(ServerProcess.start({ settings: { noSuchKey: 1 } })).rejects.toThrow(/noSuchKey/i);
});
