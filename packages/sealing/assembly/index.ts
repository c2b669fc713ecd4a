/** What the host calls, and where it finds what. Nothing here checks a place or a length: the host does. */
export { fillSlot, SLOT_BYTES, SLOT_KEY } from "./aes";
export { FRAMES, FRAMES_BYTES, KEY, MESSAGES, MESSAGES_BYTES, SLOTS, TEXT_BYTES_MAX } from "./memory";
export { openFour, openOne } from "./open";
export { sealFour, sealOne } from "./seal";
