/** Devices, tokens, system accounts, and who may log in. */
export type DeviceLevel = "slave" | "master";

export interface Device {
  readonly token: string;
  readonly level: DeviceLevel;
}

/** A device as it is stored. */
export interface KnownDevice extends Device {
  readonly flag: number;
  /** 0: not known. */
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface LoginRequest {
  readonly uid: string;
  readonly deviceId: string;
  readonly deviceFlag: number;
  readonly token: string;
}

/** `reason` 1: welcome at `level`. Any other: a permanent refusal (2 auth, 19 ban). "transient": the store cannot be asked now. */
export type LoginVerdict = { readonly reason: number; readonly level: DeviceLevel } | { readonly reason: "transient" };

export interface Users {
  /** semantics 1.2, ids reserved by the server included. Reads durable rows, at once. */
  login(request: LoginRequest): LoginVerdict;
  /** Answers the wire reason: 1 stored, 19 or 24 when the uid's person channel is banned or disbanded and nothing was stored. */
  setToken(uid: string, deviceFlag: number, device: Device): Promise<number>;
  /** Empties the token of a device that exists and makes it master; false when there is none. */
  quitDevice(uid: string, deviceFlag: number): Promise<boolean>;
  /** By device flag, durable. */
  devices(uid: string): Promise<readonly KnownDevice[]>;
  addSystemUids(uids: readonly string[]): Promise<void>;
  removeSystemUids(uids: readonly string[]): Promise<void>;
  /** Without the built-in `____system`. */
  systemUids(): readonly string[];
  /** `____system` or a system account. */
  isSystem(uid: string): boolean;
}
