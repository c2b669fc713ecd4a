/** TangSengDaoDao: the calls that v2.2.5 does not have either. Each gets a clear answer at once, and breaks nothing. */
import { expect, test } from "vitest";
import { uniqueId } from "../harness/waiting.ts";
import { group, KEPT, person, town } from "./tang-seng-town.ts";

const shared = town();

test("a search without the search plugin says that there is no such plugin, for every path and method", async () => {
  const { tangSeng, server } = shared.current;
  await expect(tangSeng.search(uniqueId("u"), "hello")).rejects.toThrow("plugin not found");
  for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
    const answer = await server.http.call({ method, path: "/plugins/wk.plugin.x/a/b?c=d" });
    expect([method, answer.status, answer.body]).toEqual([method, 400, { msg: "plugin not found", status: 404 }]);
    expect(answer.headers["content-type"]).toBe("application/json; charset=utf-8");
  }
});

test("the routes of older versions are unknown paths, and the connection is good for the next call", async () => {
  const { tangSeng, server, register } = shared.current;
  const [a, b] = [await register("a"), await register("b")];
  const dead = [
    () => tangSeng.oldConversations(a),
    () => tangSeng.oldRevoke(person(b), [1n, 2n ** 60n]),
    () => tangSeng.oldStream("start", group("g")),
    () => tangSeng.oldStream("end", group("g")),
  ];
  for (const call of dead) {
    await expect(call()).rejects.toThrow("status 404");
    expect(
      (await tangSeng.send({ header: KEPT, from: a, to: person(b), payload: { type: 1 } })).message_seq,
    ).toBeGreaterThan(0);
  }
  const answer = await server.http.post("/message/revoke", {});
  expect([answer.text, answer.headers["content-type"]]).toEqual(["404 page not found", "text/plain"]);
});
