/**
 * Recorded cases that wait for a feature, each with the feature. They are not run, and they leave this list together
 * with the commit that brings the feature.
 */

export const LATER_AREAS: Readonly<Record<string, string>> = {
  "message-events": "events on messages",
};
