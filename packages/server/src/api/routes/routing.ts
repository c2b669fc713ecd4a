/** Where clients connect to. Every server can serve every user, so nothing depends on the uid. */
import type { HttpRequest } from "../../world/world.ts";
import { listOf, shape, titled } from "../answer-schema.ts";
import { bare } from "../answers.ts";
import { type ApiRoute, badFormat, route } from "../api-route.ts";
import { about, array, type DecodedFields, INT, type IntegerSchema, type JsonSchema, UID } from "../json-schema.ts";
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

export const ADDRESS_QUERY: { readonly intranet: IntegerSchema<"int"> } = {
  intranet: about(INT, "1: the address inside the network, for TCP alone."),
};
const UIDS = array(UID);
const ADDRESS = { type: "string", description: "Empty: not served." };
export const ADDRESSES: Readonly<Record<"tcp_addr" | "ws_addr" | "wss_addr", JsonSchema>> = {
  tcp_addr: ADDRESS,
  ws_addr: ADDRESS,
  wss_addr: ADDRESS,
};
const ONE = titled("Addresses", shape(ADDRESSES));
const MANY = listOf(shape({ ...ADDRESSES, uids: { type: ["array", "null"], items: UID } }));

export function routingRoutes(addresses: RouteAddresses): readonly ApiRoute[] {
  return [
    route({
      method: "GET",
      path: "/route",
      tag: "Connections",
      summary: "Where clients connect to",
      query: ADDRESS_QUERY,
      answers: { 200: ONE },
      example: { answer: { tcp_addr: "127.0.0.1:5100", ws_addr: "ws://127.0.0.1:5200", wss_addr: "" } },
      handle: ({ query, request }) => bare(writeJson(addressesFor(request.headers, query, addresses))),
    }),
    route({
      method: "POST",
      path: "/route/batch",
      tag: "Connections",
      summary: "Where these users connect to",
      details: "One entry with all uids: every server can serve every user.",
      query: ADDRESS_QUERY,
      body: UIDS,
      badBody: badFormat,
      answers: { 200: MANY },
      example: {
        body: ["alice", "bob"],
        answer: [{ tcp_addr: "127.0.0.1:5100", ws_addr: "ws://127.0.0.1:5200", wss_addr: "", uids: ["alice", "bob"] }],
      },
      handle: ({ body, query, request }) =>
        bare(writeJson([{ ...addressesFor(request.headers, query, addresses), uids: body }])),
    }),
  ];
}

export function addressesFor(
  headers: HttpRequest["headers"],
  { intranet }: DecodedFields<typeof ADDRESS_QUERY>,
  addresses: RouteAddresses,
): { tcp_addr: string; ws_addr: string; wss_addr: string } {
  const host = HOST.exec(headers["host"] ?? "")?.[1] ?? HOST_UNKNOWN;
  const filled = (address: string): string =>
    address.replace(WITHOUT_HOST, (_, scheme: string | undefined, port: string) => `${scheme ?? ""}${host}${port}`);
  if (intranet === 1) return { tcp_addr: filled(addresses.intranetTcpAddr), ws_addr: "", wss_addr: "" };
  return {
    tcp_addr: filled(addresses.tcpAddr),
    ws_addr: filled(addresses.wsAddr),
    wss_addr: filled(addresses.wssAddr),
  };
}
