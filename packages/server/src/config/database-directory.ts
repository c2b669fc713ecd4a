/** Where the database lies below the data directory: the program opens it before the server has been loaded. */
import type { Config } from "./schema.ts";

export function databaseDirectory({ dataDir }: Pick<Config, "dataDir">): string {
  return `${dataDir}/db`;
}
