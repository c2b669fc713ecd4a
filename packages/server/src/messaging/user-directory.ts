/** Devices, tokens and system accounts over the store. */
import { MANAGER_UID, Reason, SYSTEM_DEVICE_ID, SYSTEM_UID } from "@wukong-ts/protocol";
import { createBatch, put, remove } from "../store/batch.ts";
import { StoreUnavailable } from "../store/commit-failure.ts";
import { GLOBAL_SHARD, shardOfUser } from "../store/shards.ts";
import type { Store } from "../store/store.ts";
import { channelTable, deviceTable, systemUidTable, tableRange, userRange } from "../store/tables.ts";
import type { Clock } from "../world/world.ts";
import type { Device, KnownDevice, LoginRequest, LoginVerdict, Users } from "./users.ts";

export interface UserDirectoryOptions {
  readonly tokenAuthOn: boolean;
  readonly managerUid: string;
  /** Empty: nobody may connect as manager. */
  readonly managerToken: string;
  /** Uids with this suffix log in without a token; undefined while visitors are off. */
  readonly visitorsSuffix: string | undefined;
}

export class UserDirectory implements Users {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #options: UserDirectoryOptions;
  #system: ReadonlySet<string> = new Set();
  /** Since a failed write the set may be wrong: until it has been read again the disk is asked. */
  #isStale = false;
  /** Changes made so far: a reading that one of them has overtaken is made again. */
  #changes = 0;

  private constructor(store: Store, clock: Clock, options: UserDirectoryOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#options = options;
  }

  static async load(store: Store, clock: Clock, options: UserDirectoryOptions): Promise<UserDirectory> {
    const directory = new UserDirectory(store, clock, options);
    await directory.#readSystemUids();
    store.onReset(() => {
      directory.#isStale = true;
      // What cannot be read now is read after the next reset, which comes with the reopening.
      directory.#readSystemUids().catch(() => undefined);
    });
    return directory;
  }

  login(request: LoginRequest): LoginVerdict {
    const { managerUid, managerToken } = this.#options;
    if (request.uid === SYSTEM_UID || request.deviceId === SYSTEM_DEVICE_ID) return AUTH_FAIL;
    if (request.uid === managerUid || request.uid === MANAGER_UID) {
      const isManager = request.uid === managerUid && managerToken !== "" && request.token === managerToken;
      return isManager ? SLAVE : AUTH_FAIL;
    }
    try {
      return this.#loginOf(request);
    } catch (error) {
      if (error instanceof StoreUnavailable) return { reason: "transient" };
      throw error;
    }
  }

  async setToken(uid: string, deviceFlag: number, device: Device): Promise<number> {
    const shard = shardOfUser(uid);
    const record = this.#store.get(channelTable, shard, { type: 1, id: uid });
    if (record?.ban) return Reason.ban;
    if (record?.disband) return Reason.disband;
    await this.#putDevice(uid, deviceFlag, device);
    return Reason.success;
  }

  async quitDevice(uid: string, deviceFlag: number): Promise<boolean> {
    if (this.#store.get(deviceTable, shardOfUser(uid), { uid, flag: deviceFlag }) === undefined) return false;
    await this.#putDevice(uid, deviceFlag, { token: "", level: "master" });
    return true;
  }

  devices(uid: string): Promise<readonly KnownDevice[]> {
    return this.#store.all(deviceTable, userRange(deviceTable, shardOfUser(uid), uid));
  }

  async addSystemUids(uids: readonly string[]): Promise<void> {
    const batch = createBatch(GLOBAL_SHARD);
    for (const uid of uids) put(batch, systemUidTable, uid, uid);
    await this.#commit(batch);
    this.#change(new Set([...this.#system, ...uids]));
  }

  async removeSystemUids(uids: readonly string[]): Promise<void> {
    const batch = createBatch(GLOBAL_SHARD);
    for (const uid of uids) remove(batch, systemUidTable, uid);
    await this.#commit(batch);
    const removed = new Set(uids);
    this.#change(new Set([...this.#system].filter((uid) => !removed.has(uid))));
  }

  systemUids(): readonly string[] {
    return [...this.#system];
  }

  isSystem(uid: string): boolean {
    if (uid === SYSTEM_UID) return true;
    return this.#isStale ? this.#store.get(systemUidTable, GLOBAL_SHARD, uid) !== undefined : this.#system.has(uid);
  }

  #change(system: ReadonlySet<string>): void {
    this.#system = system;
    this.#changes++;
  }

  async #readSystemUids(): Promise<void> {
    const { epoch } = this.#store;
    const changes = this.#changes;
    const uids = await this.#store.all(systemUidTable, tableRange(systemUidTable, GLOBAL_SHARD));
    if (epoch !== this.#store.epoch) return;
    if (changes !== this.#changes) {
      await this.#readSystemUids();
      return;
    }
    this.#system = new Set(uids);
    this.#isStale = false;
  }

  #loginOf(request: LoginRequest): LoginVerdict {
    const { tokenAuthOn, visitorsSuffix } = this.#options;
    const shard = shardOfUser(request.uid);
    const isVisitor = visitorsSuffix !== undefined && request.uid.endsWith(visitorsSuffix);
    let verdict = SLAVE;
    if (tokenAuthOn && !isVisitor) {
      const device = this.#store.get(deviceTable, shard, { uid: request.uid, flag: request.deviceFlag });
      if (device === undefined || device.token === "" || device.token !== request.token) return AUTH_FAIL;
      verdict = device.level === "master" ? MASTER : SLAVE;
    }
    return this.#store.get(channelTable, shard, { type: 1, id: request.uid })?.ban ? BANNED : verdict;
  }

  async #putDevice(uid: string, flag: number, { token, level }: Device): Promise<void> {
    const shard = shardOfUser(uid);
    const updatedMs = this.#clock.wallMs();
    const createdMs = this.#store.get(deviceTable, shard, { uid, flag })?.createdMs || updatedMs;
    const batch = createBatch(shard);
    put(batch, deviceTable, { uid, flag }, { flag, token, level, createdMs, updatedMs });
    await this.#commit(batch);
  }

  async #commit(batch: ReturnType<typeof createBatch>): Promise<void> {
    const refusal = this.#store.refusal();
    if (refusal !== null) throw new StoreUnavailable(refusal);
    await this.#store.committed(batch);
  }
}

const SLAVE: LoginVerdict = { reason: Reason.success, level: "slave" };
const MASTER: LoginVerdict = { reason: Reason.success, level: "master" };
const AUTH_FAIL: LoginVerdict = { reason: Reason.authFail, level: "slave" };
const BANNED: LoginVerdict = { reason: Reason.ban, level: "slave" };
