/**
 * HTTP by Fastify. Fastify routes, reads bodies and frames answers; what an answer says is the rules' and the routes'
 * alone: no validation, no serialization, no text of Fastify's own.
 */
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { parseQuery, pathOf, slashRedirect } from "../http-routing.ts";
import type {
  GatedRequest,
  HttpAnswer,
  HttpListenAt,
  HttpRequest,
  HttpRules,
  HttpServing,
  Listener,
  Route,
  Timers,
} from "../world.ts";
import { plainIp, portOf } from "./listen.ts";

/** A request that is still being sent after this is cut: slow senders may not collect connections. */
const REQUEST_MS_MAX = 60_000;
const HEADERS_MS_MAX = 10_000;
const KEEP_ALIVE_MS = 72_000;
const CONNECTION_CHECK_MS = 2_000;
/** A long id in a path, percent-encoded. */
const PARAM_CHARACTERS_MAX = 4_096;
/** Requests under way when the listener closes may take this long. */
const CLOSE_MS_MAX = 2_000;

const DEFAULT_CONTENT_TYPE = "application/json; charset=utf-8";
const NO_BODY = new Uint8Array(0);

/** No route has a schema. Without this Fastify loads its compilers all the same, a hundred modules at every start. */
const NO_SCHEMAS = { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } };

function noCompiler(): never {
  throw new Error("a route has a schema");
}

export function createHttpServing(timers: Timers): HttpServing {
  return { serve: (at, routes, rules) => serve(at, routes, rules, timers) };
}

async function serve(at: HttpListenAt, routes: readonly Route[], rules: HttpRules, timers: Timers): Promise<Listener> {
  const state = { isClosing: false };
  const answer = (reply: FastifyReply, given: HttpAnswer): FastifyReply => {
    if (state.isClosing) reply.header("connection", "close");
    return sendAnswer(reply, rules, given);
  };
  const fastify = Fastify({
    logger: false,
    schemaController: NO_SCHEMAS,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: "idle",
    trustProxy: false,
    bodyLimit: rules.bodyBytesMax,
    requestTimeout: REQUEST_MS_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_MS_MAX, connectionsCheckingInterval: CONNECTION_CHECK_MS },
    routerOptions: {
      ignoreTrailingSlash: false,
      maxParamLength: PARAM_CHARACTERS_MAX,
      querystringParser: parseQuery,
    },
    rewriteUrl: (request) => originForm(request.url ?? "/"),
    // A path that cannot be decoded; no hook has run.
    frameworkErrors(error, request, reply) {
      const refused = rules.gate(gateRequest(request));
      void answer(reply, refused ?? rules.unreadable(error.statusCode ?? 400, error.message));
    },
    clientErrorHandler(error, socket) {
      if (error.code === "ECONNRESET" || !socket.writable) {
        socket.destroy();
        return;
      }
      socket.end(rawAnswer(rules, rules.unreadable(clientErrorStatus(error), error.message)));
      timers.after(CLOSE_MS_MAX, () => socket.destroy());
    },
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
  fastify.addHook("onRequest", (request, reply, done) => {
    const gated = gateRequest(request);
    const refused = rules.admit?.({ ip: plainIp(request.ip), path: gated.path });
    const startMs = performance.now();
    reply.raw.once("close", () =>
      rules.ended?.(
        { method: request.method, route: request.routeOptions.url ?? "" },
        reply.raw.writableFinished ? reply.statusCode : 0,
        performance.now() - startMs,
      ),
    );
    const early = refused ?? rules.gate(gated) ?? unrouted(request, gated.path, routes, rules);
    if (early !== undefined) {
      answer(reply, early);
      return;
    }
    // Fastify refuses types it cannot parse; here every body is bytes. Routes see the header in `HttpRequest.headers`.
    delete request.raw.headers["content-type"];
    done();
  });
  fastify.setErrorHandler((error, request, reply) => answer(reply, errorAnswer(error, request, rules)));
  fastify.setNotFoundHandler((request, reply) =>
    answer(reply, rules.notFound({ method: request.method, path: pathOf(request.url) })),
  );
  for (const route of routes) {
    fastify.route({
      method: route.method,
      url: route.path,
      handler: async (request, reply) => answer(reply, await route.handle(httpRequest(request))),
    });
  }
  await fastify.listen({ host: at.host, port: at.port });
  // Without this, an `accept` that fails would end the process.
  fastify.server.on("error", () => undefined);
  return {
    port: portOf(fastify.server),
    async close() {
      state.isClosing = true;
      const bound = timers.after(CLOSE_MS_MAX, () => fastify.server.closeAllConnections());
      await fastify.close();
      bound.cancel();
    },
  };
}

/** Paths that no route has, before their body is read. */
function unrouted(
  request: FastifyRequest,
  path: string,
  routes: readonly Route[],
  rules: HttpRules,
): HttpAnswer | undefined {
  if (!request.is404) return undefined;
  return slashRedirect(routes, request.method, request.url) ?? rules.notFound({ method: request.method, path });
}

function errorAnswer(error: unknown, request: FastifyRequest, rules: HttpRules): HttpAnswer {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  // Whoever stops in the middle of a body is no failure of a handler, though nobody will read the answer.
  if (code === "ECONNRESET" && !request.raw.complete)
    return rules.unreadable(400, "the request was not sent to its end");
  if (code.startsWith("FST_ERR_CTP")) return rules.unreadable(statusOf(error), messageOf(error));
  return rules.failed(error, { method: request.method, path: pathOf(request.url) });
}

function statusOf(error: unknown): number {
  const status = error instanceof Error && "statusCode" in error ? error.statusCode : undefined;
  return typeof status === "number" ? status : 400;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function sendAnswer(reply: FastifyReply, rules: HttpRules, answer: HttpAnswer): FastifyReply {
  reply.code(answer.status).headers(rules.headers);
  if (answer.headers !== undefined) reply.headers(answer.headers);
  const contentType = answer.contentType ?? (answer.body.length > 0 ? DEFAULT_CONTENT_TYPE : undefined);
  if (contentType !== undefined) reply.header("content-type", contentType);
  return reply.send(answer.body.length > 0 || contentType !== undefined ? answer.body : undefined);
}

function httpRequest(request: FastifyRequest): HttpRequest {
  return {
    method: request.method,
    path: pathOf(request.url),
    body: request.body instanceof Uint8Array ? request.body : NO_BODY,
    // Made by `parseQuery`, and by the router out of text.
    query: request.query as Readonly<Record<string, string>>,
    params: request.params as Readonly<Record<string, string>>,
    get headers() {
      return headersOf(request);
    },
    ip: plainIp(request.ip),
  };
}

function gateRequest(request: FastifyRequest): GatedRequest {
  const path = pathOf(request.url);
  return {
    method: request.method,
    path,
    get query() {
      return parseQuery(request.url.slice(path.length + 1));
    },
    get headers() {
      return headersOf(request);
    },
  };
}

/** Only made for who asks. From the raw list: Node joins repeated headers, the original takes the first. */
function headersOf(request: FastifyRequest): Record<string, string> {
  const raw = request.raw.rawHeaders;
  const headers: Record<string, string> = Object.create(null);
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]?.toLowerCase() ?? "";
    if (!(name in headers)) headers[name] = raw[index + 1] ?? "";
  }
  return headers;
}

/** A proxy may ask for `http://host/path`: only the path counts. */
function originForm(url: string): string {
  if (url.startsWith("/")) return url;
  const rest = /^https?:\/\/[^/?#]*(.*)$/i.exec(url)?.[1];
  if (rest === undefined) return `/${url}`;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

function clientErrorStatus(error: NodeJS.ErrnoException): number {
  if (error.code === "HPE_HEADER_OVERFLOW") return 431;
  return error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
}

/** There is no request to reply to: the answer is written as bytes. */
function rawAnswer(rules: HttpRules, answer: HttpAnswer): Buffer {
  const body = Buffer.from(answer.body);
  const headers: Record<string, string> = {
    ...rules.headers,
    ...answer.headers,
    "content-type": answer.contentType ?? DEFAULT_CONTENT_TYPE,
    "content-length": String(body.length),
    connection: "close",
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${answer.status} Error\r\n${lines.join("")}\r\n`), body]);
}
