/** Where clients connect to. Every server can serve every user, so nothing depends on the uid. */
import type { HttpRequest } from "../../world/world.ts";
import { bare } from "../answers.ts";
import { type ApiRoute, badFormat, get, post } from "../api-route.ts";
import { array, UID } from "../json-schema.ts";
import { writeJson } from "../json-writer.ts";

/** An address without host, as `:5100` or `ws://:5200`, is given out with the host of the request. Empty: not served. */
export interface RouteAddresses {
  readonly tcpAddr: string;
  readonly wsAddr: string;
  readonly wssAddr: string;
  readonly intranetTcpAddr: string;
}

const WITHOUT_HOST = /^(wss?:\/\/)?(:[0-9]+)$/;
const HOST = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]+)?$/;
const HOST_UNKNOWN = "127.0.0.1";

export function routingRoutes(addresses: RouteAddresses): readonly ApiRoute[] {
  return [
    get("/route", (request) => bare(writeJson(addressesFor(request, addresses)))),
    post(
      "/route/batch",
      array(UID),
      (uids, request) => bare(writeJson([{ ...addressesFor(request, addresses), uids }])),
      badFormat,
    ),
  ];
}

export function addressesFor(
  request: Pick<HttpRequest, "headers" | "query">,
  addresses: RouteAddresses,
): { tcp_addr: string; ws_addr: string; wss_addr: string } {
  const host = HOST.exec(request.headers["host"] ?? "")?.[1] ?? HOST_UNKNOWN;
  const filled = (address: string): string =>
    address.replace(WITHOUT_HOST, (_, scheme: string | undefined, port: string) => `${scheme ?? ""}${host}${port}`);
  if (request.query["intranet"] === "1")
    return { tcp_addr: filled(addresses.intranetTcpAddr), ws_addr: "", wss_addr: "" };
  return {
    tcp_addr: filled(addresses.tcpAddr),
    ws_addr: filled(addresses.wsAddr),
    wss_addr: filled(addresses.wssAddr),
  };
}
