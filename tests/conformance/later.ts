/**
 * Recorded cases that wait for a feature, each with the feature. They are not run, and they leave this list together
 * with the commit that brings the feature.
 */

/** By file name. */
export const LATER_AREAS: Readonly<Record<string, string>> = {
  "message-events": "events on messages",
};

/** "area: name of the case". */
export const LATER_CASES: Readonly<Record<string, string>> = {
  "monitoring: manager port: what is there and what is not": "/metrics",
};
