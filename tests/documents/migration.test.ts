/** docs/migration.md: its commands, typed one after the other against two servers, and the rows that it refers to. */
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BackEnd, GROUP, PERSON } from "../harness/back-end.ts";
import { HttpClient } from "../harness/http-client.ts";
import { claimPorts, releasePort } from "../harness/ports.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually } from "../harness/waiting.ts";
import { WireClient } from "../harness/wire-client.ts";
import { Reader } from "./reader.ts";

const PAGE = "docs/migration.md";

function read(path: string): string {
  return readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
}

test("the commands of the page move a configuration, users, channels and lists from one server to another", async () => {
  // Any server with the routes that the page asks of the old one.
  await using old = await ServerProcess.start();
  await old.backEnd.createGroup("team", ["bob", "carol", "alice"]);
  await old.backEnd.createGroup("closed", ["alice"]);
  await old.backEnd.send({ from: "bob", to: "team", type: GROUP, text: "long ago" });
  const ports = await claimPorts(3);
  const [tcp, ws, api] = ports as [number, number, number];
  const http = new HttpClient(api);
  {
    await using reader = new Reader({
      page: PAGE,
      typed: {
        "old-server:5001": `127.0.0.1:${old.httpPort}`,
        "127.0.0.1:5001": `127.0.0.1:${api}`,
        // Where the configuration of the reader says it listens.
        WK_ROOTDIR: `WK_ADDR=tcp://127.0.0.1:${tcp} WK_WSADDR=ws://127.0.0.1:${ws} WK_HTTPADDR=127.0.0.1:${api} WK_MANAGER_ON=false WK_ROOTDIR`,
      },
      started: async () => {
        await eventually(async () => (await http.get("/healthz")).status === 200, "the new server answers", 30_000);
      },
    });
    copyFileSync(new URL("wukongim-v2.yaml", import.meta.url), join(reader.directory, "wk.yaml"));
    const outcomes = await reader.follow();
    const outputOf = (commands: string): string =>
      outcomes.find(({ block }) => block.commands.includes(commands))?.output ?? `nothing with ${commands}`;
    expect(outputOf("config check")).toContain("the configuration is valid");
    expect(outputOf("config check")).toMatch(/warning: without effect here: .*conversation\.syncInterval/);
    expect(outputOf("diff <(")).toBe("");
    expect(outputOf("/route")).toContain(`"tcp_addr":"127.0.0.1:${tcp}"`);
    expect(outputOf("old-server:5001/channel/messagesync")).toContain(Buffer.from("long ago").toString("base64"));
    await expectMoved(new BackEnd(http), tcp);
  }
  http.dropConnections();
  for (const port of ports) releasePort(port);
});

/** What the files of the page said is so. */
async function expectMoved(backEnd: BackEnd, tcp: number): Promise<void> {
  const connect = (uid: string): Promise<WireClient> =>
    WireClient.connect({ port: tcp, uid, token: `token-of-${uid}`, deviceFlag: 1 });
  using alice = await connect("alice");
  using bob = await connect("bob");
  expect((await backEnd.http.get("/user/systemuids")).body).toEqual(["notices"]);
  expect(await alice.send({ to: "team", type: GROUP, payload: "first" })).toMatchObject({ reason: 1, messageSeq: 1 });
  expect(await alice.send({ to: "closed", type: GROUP, payload: "x" })).toMatchObject({ reason: 24 });
  expect(await bob.send({ to: "alice", type: PERSON, payload: "x" })).toMatchObject({ reason: 1 });
  // Banned: no token, so no login.
  expect(await backEnd.setToken("mallory", "t", 1, 0)).toEqual({ status: 19 });
  for (const [list, channel, uids] of [
    ["denylist", "team/2", ["carol"]],
    ["denylist", "alice/1", ["mallory"]],
    ["allowlist", "bob/1", ["alice"]],
  ] as const) {
    expect((await backEnd.http.get(`/cluster/channels/${channel}/${list}`)).body).toEqual(uids);
  }
}

test("every difference that the page names is a row of compatibility.md", () => {
  const page = read(PAGE);
  const subjectOf = /^\| [^|]+ \| ([^|]+) \|/gm;
  const rows = new Set([...read("docs/compatibility.md").matchAll(subjectOf)].map(([, subject]) => subject));
  const table = page.slice(page.indexOf("| Subject | In short |")).split("\n\n")[0]!;
  const named = [...table.matchAll(/^\| ([^|]+) \|/gm)].slice(1).map(([, subject]) => subject!);
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((subject) => !rows.has(subject))).toEqual([]);
});
