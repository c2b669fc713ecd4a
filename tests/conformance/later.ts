/**
 * Recorded cases that wait for a feature, each with the feature. They are not run, and they leave this list together
 * with the commit that brings the feature.
 */

/** By file name. */
export const LATER_AREAS: Readonly<Record<string, string>> = {
  "message-events": "events on messages",
  "message-sync": "/message/sync and /message/syncack",
  monitoring: "/connz, /varz, metrics and the manager port",
  "tmp-subscribers": "channels of type 6 and their temporary subscribers",
  webhook: "webhooks",
};

/** Channel types of permission cases, as in their names ("type 4: …"). */
export const LATER_PERMISSION_TYPES: Readonly<Record<string, string>> = {
  "type 3": "customer service channels",
  "type 10": "visitors channels",
  "type 11": "agent channels",
};

/** "area: name of the case". */
export const LATER_CASES: Readonly<Record<string, string>> = {};
