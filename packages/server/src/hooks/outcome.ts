/** What came of one try to deliver an event. */
export type Outcome =
  | { readonly kind: "taken" }
  /** The receiver lives and does not want this event as it is. */
  | { readonly kind: "refused"; readonly reason: string }
  /** Something failed in the receiver: for this event, or for all. */
  | { readonly kind: "error"; readonly reason: string }
  /** It cannot be reached, or has no time. */
  | { readonly kind: "down"; readonly reason: string };

export const TAKEN: Outcome = { kind: "taken" };
