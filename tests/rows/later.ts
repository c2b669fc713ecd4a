/**
 * Rows that one machine cannot show, each with the feature it waits for.
 * A row leaves this list together with the commit that makes it a test.
 */
export const LATER_ROWS: Readonly<Record<string, string>> = {
  "H-40h": "a cluster of several nodes",
  "H-40j": "a cluster of several nodes",
};
