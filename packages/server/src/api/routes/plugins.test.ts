import { expect, test } from "vitest";
import { TestApi } from "../test-kit.ts";

test("there are no plugins", async () => {
  const api = new TestApi();
  expect(await api.get("/plugins")).toMatchObject({ status: 200, json: [] });
});

test.each(["/plugins/wk.plugin.search/usersearch", "/plugins/x/", "/plugins/x/y/z"])(
  "%s is the path of an unknown plugin, also for a body that is no JSON",
  async (path) => {
    const api = new TestApi();
    const unknown = { status: 400, json: { msg: "plugin not found", status: 404 } };
    expect(await api.get(path)).toMatchObject(unknown);
    expect(await api.post(path, "{")).toMatchObject(unknown);
  },
);

test.each(["/plugin/x/y", "/pluginsx/y/z", "/plugins//y"])("%s is an unknown path", async (path) => {
  expect(await new TestApi().get(path)).toMatchObject({ status: 404, text: "404 page not found" });
});
