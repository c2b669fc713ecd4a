/** Logging in to the manager port. */
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { FAILURE, shape } from "../answer-schema.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, BOTH_PORTS, route } from "../api-route.ts";
import { about, type Decoded, INT, object, text } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { permissionsText } from "../manager-auth.ts";

type LoginDeps = Pick<ApiDeps, "auth" | "failedLogins" | "loginTried">;

const LOGIN = object("managerLoginReq", { username: text(), password: text() }, ["username", "password"]);
const TEXT = { type: "string" };
const LOGGED_IN = shape({
  username: TEXT,
  token: about(TEXT, "For the header Authorization: Bearer … of the manager port."),
  exp: about(INT, "When it ends, seconds since 1970."),
  permissions: about(TEXT, "As *:r,conn:rw."),
});

const NO_PASSWORD = "密码不能为空";
const NO_USERNAME = "用户名不能为空";
const WRONG = "用户名或密码错误";

export function loginRoutes(deps: LoginDeps): readonly ApiRoute[] {
  return [
    route({
      method: "POST",
      path: "/manager/login",
      tag: "Manager",
      ports: BOTH_PORTS,
      summary: "Log in to the manager port",
      details:
        "The users are those of auth.users. It needs no login, but on the API port managerToken, when that is configured. After five wrong passwords an address waits for the rest of the minute.",
      body: LOGIN,
      answers: { 200: LOGGED_IN, 429: FAILURE },
      refusals: [NO_PASSWORD, NO_USERNAME, WRONG],
      example: {
        body: { username: "operator", password: "secret" },
        answer: {
          username: "operator",
          token: "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c2VybmFtZSI6Im9wZXJhdG9yIn0.c2lnbmF0dXJl",
          exp: 1_776_926_400,
          permissions: "*:r,conn:rw",
        },
      },
      handle: ({ body, request }) => login(deps, body, request),
    }),
  ];
}

function login(deps: LoginDeps, body: Decoded<typeof LOGIN>, { ip }: HttpRequest): HttpAnswer {
  const { auth, failedLogins } = deps;
  if (body.password === "") return failure(NO_PASSWORD);
  if (body.username === "") return failure(NO_USERNAME);
  const waitMs = failedLogins.waitMs(ip);
  if (waitMs > 0) {
    const headers = { "retry-after": String(Math.ceil(waitMs / 1000)) };
    return { ...failure("登录失败次数过多，请稍后再试", 429), headers };
  }
  const done = auth.login(body.username, body.password);
  deps.loginTried(done?.user.name, ip);
  if (done === undefined) {
    failedLogins.failed(ip);
    return failure(WRONG);
  }
  return bare(
    writeJson({
      username: done.user.name,
      token: done.token,
      exp: done.expiresAtSeconds,
      permissions: permissionsText(done.user.permissions),
    }),
  );
}
