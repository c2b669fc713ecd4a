/** What the lists for operators have in common: how much is asked for, from where on, and how a page is answered. */
import { BadCursor, type PageRequest, type RowPage } from "../messaging/row-browser.ts";
import type { HttpAnswer } from "../world/world.ts";
import { BIT, listOf, shape } from "./answer-schema.ts";
import { bare, failure } from "./answers.ts";
import {
  about,
  type DecodedFields,
  INT,
  INT64,
  type IntegerSchema,
  type JsonSchema,
  type TextSchema,
  text,
} from "./json-schema.ts";
import { isHere, NODE } from "./node-id.ts";

export const NO_SUCH_NODE = "节点不存在！";
const USE_CURSOR = "offset_created_at: use cursor";
const BAD_CURSOR = "the cursor is none";
export const PAGE_MAX = 1000;
export const LIMIT_DEFAULT = 20;
/** A filter that was left out. */
export const ANY = -1;

interface PageParameters {
  readonly limit: IntegerSchema<"int">;
  readonly cursor: TextSchema;
  readonly pre: IntegerSchema<"int">;
  readonly offset_created_at: IntegerSchema<"int64">;
  readonly node_id: IntegerSchema<"uint64">;
}

export const FILTER: IntegerSchema<"int"> = { ...INT, default: ANY };
export const LIMIT: IntegerSchema<"int"> = about(INT, `0 or less is ${LIMIT_DEFAULT}; at most 1,000.`);
export const PAGE_QUERY: PageParameters = {
  limit: LIMIT,
  cursor: about(text(), "The cursor of the page before; left out: the first page."),
  pre: about(INT, "1: backwards, with the pre_cursor of the page behind; without a cursor the last page."),
  offset_created_at: about(INT64, "Refused, but for 0: use cursor."),
  node_id: NODE,
};
export type PageQuery = DecodedFields<PageParameters>;

export function pageSchema(items: JsonSchema): JsonSchema {
  return shape({
    total: about(INT, "Always 0: nobody counts the rows."),
    more: about(BIT, "1: there is a page behind this one, in the direction asked for."),
    cursor: { type: "string" },
    pre_cursor: { type: "string" },
    data: listOf(items),
  });
}

/** What `pageProblem` and `orBadCursor` say. */
export const PAGE_REFUSALS: readonly string[] = [NO_SUCH_NODE, USE_CURSOR, BAD_CURSOR];

/** 1 to PAGE_MAX. */
export function limitOf(asked: number, fallback: number = LIMIT_DEFAULT): number {
  return asked <= 0 ? fallback : Math.min(asked, PAGE_MAX);
}

export function pageOf(query: PageQuery, fallback: number = LIMIT_DEFAULT): PageRequest {
  return { cursor: query.cursor, isBackwards: query.pre === 1, limit: limitOf(query.limit, fallback) };
}

/** Why this page cannot be had; undefined: it can. */
export function pageProblem(query: PageQuery, nodeId: number): HttpAnswer | undefined {
  if (!isHere(query.node_id, nodeId)) return failure(NO_SUCH_NODE);
  // Silently the first page again would look like an endless list.
  if (query.offset_created_at !== 0n) return failure(USE_CURSOR);
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
    if (error instanceof BadCursor) return failure(BAD_CURSOR);
    throw error;
  }
}
