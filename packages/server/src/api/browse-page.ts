/** What the lists for operators have in common: how much is asked for, from where on, and how a page is answered. */
import { BadCursor, type PageRequest, type RowPage } from "../messaging/row-browser.ts";
import type { HttpAnswer, HttpRequest } from "../world/world.ts";
import { bare, failure } from "./answers.ts";
import { integerOf } from "./api-route.ts";

type Query = HttpRequest["query"];

export const PAGE_MAX = 1000;
const LIMIT_DEFAULT = 20;

/** 1 to PAGE_MAX. */
export function limitOf(query: Query, fallback: number = LIMIT_DEFAULT): number {
  const asked = integerOf(query["limit"]);
  return asked <= 0 ? fallback : Math.min(asked, PAGE_MAX);
}

export function pageOf(query: Query, limit: number = limitOf(query)): PageRequest {
  return { cursor: query["cursor"] ?? "", isBackwards: query["pre"] === "1", limit };
}

/** Why this page cannot be had; undefined: it can. */
export function pageProblem(query: Query, nodeId: number): HttpAnswer | undefined {
  const node = integerOf(query["node_id"]);
  if (node !== 0 && node !== nodeId) return failure("节点不存在！");
  // Silently the first page again would look like an endless list.
  if (!/^0*$/.test(query["offset_created_at"] ?? "")) return failure("offset_created_at: use cursor");
  return undefined;
}

/** `total` is 0: nobody counts the rows. */
export function pageAnswer<Row>(page: RowPage<Row>, rowJson: (row: Row) => string): HttpAnswer {
  const data = page.rows.map(rowJson).join(",");
  return bare(
    `{"total":0,"more":${page.hasMore ? 1 : 0},"cursor":"${page.cursor}","pre_cursor":"${page.cursorBefore}","data":[${data}]}`,
  );
}

/** A cursor that no page gave is the caller's mistake. */
export async function orBadCursor(answer: Promise<HttpAnswer>): Promise<HttpAnswer> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof BadCursor) return failure(error.message);
    throw error;
  }
}
