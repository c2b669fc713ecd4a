import { expect, test } from "vitest";
import { HttpClient } from "../harness/http-client.ts";
import { claimPorts, releasePort } from "../harness/ports.ts";
import { eventually } from "../harness/waiting.ts";
import { Reader } from "./reader.ts";

test("examples/back-end/README: server and back end start, a login, a greeting, and what was missed", async () => {
  const ports = await claimPorts(4);
  const [tcp, ws, api, own] = ports as [number, number, number, number];
  const server = new HttpClient(api);
  const backEnd = new HttpClient(own);
  {
    await using reader = new Reader({
      page: "examples/back-end/README.md",
      typed: { 5001: api, 8080: own },
      environment: {
        WK_ADDR: `tcp://127.0.0.1:${tcp}`,
        WK_WSADDR: `ws://127.0.0.1:${ws}`,
        WK_HTTPADDR: `127.0.0.1:${api}`,
        WK_MANAGER_ON: "false",
        PORT: String(own),
        API_URL: `http://127.0.0.1:${api}`,
      },
      started: async ({ commands }) => {
        const ready = commands.includes("npm start") ? () => server.get("/readyz") : () => backEnd.get("/people");
        await eventually(async () => (await ready()).status === 200, `${commands} is ready`, 30_000);
      },
    });
    const outcomes = await reader.follow();
    const login = outcomes.find(({ block }) => block.commands.includes("/login"))!;
    expect(JSON.parse(login.output)).toMatchObject({ uid: "alice", address: `ws://127.0.0.1:${ws}`, group: "town" });
  }
  for (const http of [server, backEnd]) http.dropConnections();
  for (const port of ports) releasePort(port);
});
