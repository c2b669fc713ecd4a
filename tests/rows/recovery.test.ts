/** What holds after a start, however the one before ended. */
import { expect, test } from "vitest";
import { GROUP } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { uniqueId } from "../harness/waiting.ts";

test("R-35: after kill -9 the next seq is the last stored one + 1, and the seq told is never above it", async () => {
  await using server = await ServerProcess.start();
  const { backEnd, http } = server;
  const [a, group] = [uniqueId("a"), uniqueId("g")];
  await backEnd.createGroup(group, [a]);
  const told = async (): Promise<number> => {
    const { body } = await http.get(
      `/channel/max_message_seq?channel_id=${group}&channel_type=${GROUP}&login_uid=${a}`,
    );
    return (body as { message_seq: number }).message_seq;
  };
  let acknowledged = 0;
  for (let round = 0; round < 3; round++) {
    const client = await server.connect(a);
    const bursts = Array.from({ length: 4 }, () =>
      client.burst(Array.from({ length: 200 }, () => ({ to: group, type: GROUP, payload: "x" }))),
    );
    // The rest is on its way.
    await bursts[0];
    await server.kill();
    const answers = (await Promise.all(bursts)).flat();
    acknowledged += answers.filter((answer) => answer.outcome === "answered" && answer.reason === 1).length;
    await server.startAgain();
    const stored = (await backEnd.history(a, group, GROUP)).map(({ message_seq }) => message_seq);
    expect(stored).toEqual(Array.from({ length: stored.length }, (_item, n) => n + 1));
    expect(stored.length).toBeGreaterThanOrEqual(acknowledged);
    expect(await told()).toBe(stored.length);
    using again = await server.connect(a);
    expect(await again.sendOk({ to: group, type: GROUP, payload: "next" })).toMatchObject({
      messageSeq: stored.length + 1,
    });
    acknowledged++;
  }
});

test("R-56: with cluster.on false a left-over list of nodes does not keep the server from starting", async () => {
  const settings = {
    "cluster.on": false,
    "cluster.initNodes": "1001@10.255.255.1:11110",
    "cluster.seed": "1002@10.255.255.2:11110",
  };
  await using server = await ServerProcess.start({ settings });
  using client = await server.connect(uniqueId("a"));
  expect(await client.ping()).toBe(true);
});
