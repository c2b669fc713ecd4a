/** The first start makes a password and a secret, keeps them with the data, and shows neither. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ServerProcess } from "../harness/server-process.ts";
import { Operator } from "./operator.ts";

const PRIVATE = 0o600;

function fileOf(server: ServerProcess, name: string): string {
  return join(server.dataDirectory, "data", name);
}

test("the password of the first start stands in a private file, the start lines name it, and it opens the port", async () => {
  await using server = await ServerProcess.start();
  const file = fileOf(server, "manager-password");
  const password = readFileSync(file, "utf8").trim();
  const secret = readFileSync(fileOf(server, "jwt-secret"), "utf8").trim();
  expect(password.length).toBeGreaterThan(20);
  expect(secret.length).toBeGreaterThan(20);
  expect(secret).not.toBe(password);
  for (const name of ["manager-password", "jwt-secret"])
    expect(statSync(fileOf(server, name)).mode & 0o777).toBe(PRIVATE);
  expect(server.output).toContain(`user admin, password in ${file}`);
  const operator = await Operator.login(server, "admin", password);
  expect((await operator.get("/varz")).status).toBe(200);
  // Whatever happened so far, neither was printed.
  expect(server.output).not.toContain(password);
  expect(server.output).not.toContain(secret);
});

test("the second start has the same password and takes the logins of the first", async () => {
  await using server = await ServerProcess.start();
  const file = fileOf(server, "manager-password");
  const password = readFileSync(file, "utf8");
  const operator = await Operator.login(server, "admin", password.trim());
  for (const how of ["SIGTERM", "SIGKILL"] as const) {
    await server.restart(how);
    expect(readFileSync(file, "utf8")).toBe(password);
    expect((await operator.get("/connz")).status).toBe(200);
  }
  // Another secret ends all logins, another password takes the place of the first one.
  await server.stop();
  writeFileSync(file, "chosen by the operator\n");
  writeFileSync(fileOf(server, "jwt-secret"), "");
  await server.startAgain();
  expect((await operator.get("/connz")).status).toBe(401);
  expect(
    (await Operator.login(server, "admin", "chosen by the operator").then((again) => again.get("/connz"))).status,
  ).toBe(200);
  expect(statSync(fileOf(server, "jwt-secret")).mode & 0o777).toBe(PRIVATE);
});

test("configured users take the place of the first one, and a configured secret needs no file", async () => {
  await using server = await ServerProcess.start({
    settings: { "auth.users": "root:pw:*", "jwt.secret": "a secret of this test", "jwt.issuer": "me" },
  });
  expect(() => statSync(fileOf(server, "manager-password"))).toThrow("ENOENT");
  expect(() => statSync(fileOf(server, "jwt-secret"))).toThrow("ENOENT");
  expect(server.output).not.toContain("password in");
  await Operator.login(server, "root", "pw");
  const asAdmin = await server.manager.post("/manager/login", { username: "admin", password: "admin" });
  expect(asAdmin).toMatchObject({ status: 400, body: { msg: "用户名或密码错误" } });
});

test("the secret that everybody knows keeps the server from starting, in one line", async () => {
  const server = await ServerProcess.launch({ settings: { "jwt.secret": "secret_wukongim" } });
  try {
    expect(await server.waitForExit()).toEqual({ code: 1, signal: null });
    const lines = server.output.trim().split("\n");
    expect(lines, server.output).toHaveLength(1);
    expect(lines[0]).toContain("jwt.secret");
  } finally {
    await server.dispose();
  }
});

test("with manager.on false nobody listens there, and the server works as ever", async () => {
  await using server = await ServerProcess.start({ settings: { "manager.on": false } });
  await expect(server.manager.get("/varz")).rejects.toThrow("ECONNREFUSED");
  expect(server.output).not.toContain("manager ");
  expect((await server.http.get("/varz")).body).toMatchObject({ manager_on: 0, manager_addr: "" });
});
