/** Logging in to the manager port. */
import type { HttpAnswer, HttpRequest } from "../../world/world.ts";
import { bare, failure } from "../answers.ts";
import type { ApiDeps } from "../api-deps.ts";
import { type ApiRoute, post } from "../api-route.ts";
import { type Decoded, object, text } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";
import { permissionsText } from "../manager-auth.ts";

type LoginDeps = Pick<ApiDeps, "auth" | "failedLogins" | "loginTried">;

const LOGIN = object("managerLoginReq", { username: text(), password: text() });

export function loginRoutes(deps: LoginDeps): readonly ApiRoute[] {
  return [post("/manager/login", LOGIN, (body, request) => login(deps, body, request))];
}

function login(deps: LoginDeps, body: Decoded<typeof LOGIN>, { ip }: HttpRequest): HttpAnswer {
  const { auth, failedLogins } = deps;
  if (body.password === "") return failure("密码不能为空");
  if (body.username === "") return failure("用户名不能为空");
  const waitMs = failedLogins.waitMs(ip);
  if (waitMs > 0) {
    const headers = { "retry-after": String(Math.ceil(waitMs / 1000)) };
    return { ...failure("登录失败次数过多，请稍后再试", 429), headers };
  }
  const done = auth.login(body.username, body.password);
  deps.loginTried(done?.user.name, ip);
  if (done === undefined) {
    failedLogins.failed(ip);
    return failure("用户名或密码错误");
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
