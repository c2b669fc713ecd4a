/**
 * Rows that one machine with person and group channels cannot show, each with the feature it waits for.
 * A row leaves this list together with the commit that makes it a test.
 */
export const LATER_ROWS: Readonly<Record<string, string>> = {
  "H-10": "customer service channels (type 3)",
  "H-11": "customer service channels (type 3)",
  "H-12": "customer service channels (type 3)",
  "H-13": "visitors channels (type 10)",
  "H-14": "agent channels (type 11)",
  "H-15": "community, topic, info and agent-group channels",
  "H-40h": "a cluster of several nodes",
  "H-40j": "a cluster of several nodes",
};
