import { expect, test } from "vitest";
import { HttpClient } from "../harness/http-client.ts";
import { claimPorts, releasePort } from "../harness/ports.ts";
import { eventually } from "../harness/waiting.ts";
import { Reader } from "./reader.ts";

test("README: a server starts with one command, and two users of the published SDK talk with the next", async () => {
  const ports = await claimPorts(3);
  const [tcp, ws, api] = ports as [number, number, number];
  const http = new HttpClient(api);
  {
    await using reader = new Reader({
      page: "README.md",
      // The dependencies are here already.
      typed: { "npm ci &&": "" },
      environment: {
        WK_ADDR: `tcp://127.0.0.1:${tcp}`,
        WK_WSADDR: `ws://127.0.0.1:${ws}`,
        WK_HTTPADDR: `127.0.0.1:${api}`,
        WK_MANAGER_ON: "false",
        API_URL: `http://127.0.0.1:${api}`,
      },
      started: async () => {
        await eventually(async () => (await http.get("/readyz")).status === 200, "the server is ready", 30_000);
      },
    });
    const outcomes = await reader.follow();
    expect(outcomes).toHaveLength(2);
    expect(outcomes[1]!.output).toMatch(/was away; one chat, with alice-\w+, 1 unread: "Hello Bob, are you there\?"/);
    expect(outcomes[1]!.output).toMatch(/received from bob-\w+: "Here I am\."/);
  }
  http.dropConnections();
  for (const port of ports) releasePort(port);
});
