/** R-12 in small: a live channel that many enter and leave while it is written to. */
import { expect, test } from "vitest";
import { texts } from "../harness/back-end.ts";
import { inParallel } from "../harness/in-parallel.ts";
import { atOnce } from "../harness/limits.ts";
import { sharedServer } from "../harness/shared-server.ts";
import { delay, uniqueId } from "../harness/waiting.ts";

const LIVE = 9;
const MEMBERS = 5_000;
const CHANGES = 1_000;
const CHANGES_PER_SECOND = 200;
const MESSAGES = 200;

const shared = sharedServer();

test("R-12: 200 joins and leaves a second in a live channel of 5,000 while it is written to: none fails, nothing is lost", async () => {
  const { http, backEnd } = shared.current;
  const [id, speaker, viewer] = [uniqueId("live"), uniqueId("s"), uniqueId("v")];
  /** Tried once. */
  const edit = async (how: "add" | "remove", subscribers: readonly string[]): Promise<void> => {
    const body = { channel_id: id, channel_type: LIVE, subscribers };
    expect(await http.post(`/channel/subscriber_${how}`, body)).toMatchObject({ status: 200 });
  };
  const crowd = Array.from({ length: MEMBERS }, (_, index) => `${id}m${index}`);
  await edit("add", [speaker, viewer, ...crowd]);
  using client = await shared.current.connect(speaker);
  using online = await shared.current.connect(viewer);

  const sending = (async (): Promise<void> => {
    for (let index = 0; index < MESSAGES; index++) {
      await client.sendOk({ to: id, type: LIVE, payload: `${index}` });
      await delay((CHANGES / CHANGES_PER_SECOND / MESSAGES) * 1_000);
    }
  })();
  // The first half of the crowd leaves one by one, as many others come.
  const startedMs = performance.now();
  const changes = Array.from({ length: CHANGES }, (_, index) => index);
  await inParallel(changes, atOnce(16), async (index) => {
    const dueMs = startedMs + (index / CHANGES_PER_SECOND) * 1_000;
    await delay(Math.max(0, dueMs - performance.now()));
    const step = index >> 1;
    if (index % 2 === 0) await edit("add", [`${id}n${step}`]);
    else await edit("remove", [crowd[step]!]);
  });
  await sending;

  const wanted = Array.from({ length: MESSAGES }, (_, index) => `${index}`);
  expect(texts(await online.takeSome(MESSAGES))).toEqual(wanted);
  const members = (await http.get(`/cluster/channels/${id}/${LIVE}/subscribers`)).body;
  const stayed = crowd.slice(CHANGES / 2);
  const came = Array.from({ length: CHANGES / 2 }, (_, index) => `${id}n${index}`);
  expect(members).toEqual([speaker, viewer, ...stayed, ...came].toSorted());
  expect(texts(await backEnd.history(viewer, id, LIVE))).toEqual(wanted);
  for (const uid of [viewer, crowd[0]!, stayed[0]!, came[0]!]) expect(await backEnd.sync(uid)).toEqual([]);
});
