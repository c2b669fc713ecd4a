/**
 * Recorded cases that wait for a feature, each with the feature. They are not run, and they leave this list together
 * with the commit that brings the feature.
 */

/** By file name. */
export const LATER_AREAS: Readonly<Record<string, string>> = {
  "message-events": "events on messages",
  monitoring: "/connz, /varz, metrics and the manager port",
};

/** "area: name of the case". */
export const LATER_CASES: Readonly<Record<string, string>> = {
  "webhook: msg.offline: everybody without a master connection": "msg.offline",
  "webhook: msg.offline of a group: without the sender": "msg.offline",
  "webhook: msg.offline of a message that is not persisted and of a command": "msg.offline",
  "webhook: msg.offline from the system keeps its uid": "msg.offline",
  "webhook: user.onlinestatus: connect, second device, close": "user.onlinestatus",
  "webhook: user.onlinestatus of a user in slot 0": "user.onlinestatus",
};
