/**
 * Rows that one machine cannot show, each with the feature it waits for.
 * A row leaves this list together with the commit that makes it a test.
 */
export const LATER_ROWS: Readonly<Record<string, string>> = {
  "H-40h": "a cluster of several nodes",
  "H-40j": "a cluster of several nodes",
  "R-08": "a cluster of several nodes",
  "R-09": "a cluster of several nodes",
  "R-11": "a cluster of several nodes",
  "R-13": "a cluster of several nodes",
  "R-14": "a cluster of several nodes",
  "R-15": "a cluster of several nodes",
  "R-19": "a client library of this project",
  "R-20": "a client library of this project",
  "R-34": "a replicated log",
  "R-36": "a client library of this project",
  "R-52": "a replicated log",
  "R-53": "a replicated log",
  "R-54": "a cluster of several nodes",
  "R-55": "a released version to upgrade from",
  "R-57": "a cluster of several nodes",
  "R-58": "a cluster of several nodes",
  "R-59": "a cluster of several nodes",
};
