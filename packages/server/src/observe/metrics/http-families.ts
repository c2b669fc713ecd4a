import type { HttpRouteStats, HttpStats } from "../../api/http-admission.ts";
import type { Family } from "./family.ts";

export const HTTP_FAMILIES: readonly Family<HttpStats>[] = [
  {
    name: "wk_http_requests_total",
    kind: "counter",
    help: "HTTP requests. route: the pattern of the route, none for unknown paths. status 0: the caller went away.",
    labels: ["method", "route", "status"],
    read: ({ requests }) =>
      requests.flatMap((route) =>
        route.statuses.map(({ status, count }) => ({ labels: [...namesOf(route), String(status)], value: count })),
      ),
  },
  {
    name: "wk_http_request_seconds",
    kind: "histogram",
    help: "From the head of a request to the end of its answer.",
    labels: ["method", "route"],
    read: ({ requests }) => requests.map((route) => ({ labels: namesOf(route), value: route.seconds })),
  },
  {
    name: "wk_http_requests_under_way",
    kind: "gauge",
    help: "HTTP requests at work: read, and not answered.",
    read: ({ underWay }) => underWay,
  },
];

function namesOf({ method, route }: HttpRouteStats): string[] {
  return route === "" ? ["none", "none"] : [method, route];
}
