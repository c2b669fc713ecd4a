/** A session: an authenticated connection, as the rest of the server sees it. */
import type { DeviceLevel } from "../messaging/users.ts";

export interface Session {
  /** Per process, from 1. */
  readonly id: number;
  readonly uid: string;
  readonly deviceId: string;
  readonly deviceFlag: number;
  readonly deviceLevel: DeviceLevel;
  /** The negotiated protocol version. */
  readonly version: number;
  readonly connectedAtMs: number;
}
