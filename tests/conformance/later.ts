/**
 * Recorded cases that wait for a feature, each with the feature. They are not run, and they leave this list together
 * with the commit that brings the feature.
 */

/** By file name. */
export const LATER_AREAS: Readonly<Record<string, string>> = {
  "message-events": "events on messages",
  "message-sync": "/message/sync and /message/syncack",
  monitoring: "/connz, /varz, metrics and the manager port",
  webhook: "webhooks",
};

/** "area: name of the case". */
export const LATER_CASES: Readonly<Record<string, string>> = {
  "message-send: sync_once to a group, no_persist 0 red_dot 0": "/message/sync",
  "message-send: sync_once to a group, no_persist 0 red_dot 1": "/message/sync",
  "message-send: sync_once to a group, no_persist 1 red_dot 0": "/message/sync",
  "message-send: sync_once to a person": "/message/sync",
  "message-send: a CMD id given as channel id keeps one suffix": "/message/sync",
  "message-send: subscribers, persisted: an offline subscriber finds it": "/message/sync",
  "message-send: subscribers, not persisted: online only": "/message/sync",
  "sendbatch: sync_once in the header": "/message/sync",
  "http: an unknown plugin": "plugins",
};
