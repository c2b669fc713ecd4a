/** What the stories of a TangSengDaoDao installation share: its two accounts, people who log in, and their chats. */
import { afterAll, beforeAll, vi } from "vitest";
import { SdkClient } from "../harness/sdk-client.ts";
import { type SharedServer, sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";
import { TangSeng } from "./tang-seng.ts";

export const SYSTEM_ACCOUNT = "u_10000";
export const FILE_HELPER = "fileHelper";
export const APP = 0;
export const WEB = 1;
export const SLAVE = 0;
export const MASTER = 1;
export const KEPT = { no_persist: 0, red_dot: 1, sync_once: 0 } as const;

export interface Town {
  readonly server: SharedServer["current"];
  readonly tangSeng: TangSeng;
  /** A new user with a token, connected by the published SDK as a web client. */
  readonly moveIn: (name: string) => Promise<SdkClient>;
  /** The same, who stays offline. */
  readonly register: (name: string) => Promise<string>;
}

/** One server per file, set up as TangSengDaoDaoServer needs it: tokens on, no manager token, its accounts known. */
export function town(): { readonly current: Town } {
  const shared = sharedServer({ settings: { tokenAuthOn: true } });
  const held: { tangSeng?: TangSeng } = {};
  beforeAll(async () => {
    vi.spyOn(console, "log").mockImplementation(() => undefined); // the SDK tells every step
    held.tangSeng = new TangSeng(shared.current.http);
    await held.tangSeng.addSystemUids([SYSTEM_ACCOUNT, FILE_HELPER]);
  });
  afterAll(() => {
    vi.restoreAllMocks();
  });
  return {
    get current(): Town {
      const server = shared.current;
      const tangSeng = held.tangSeng!;
      const register = async (name: string): Promise<string> => {
        const uid = uniqueId(name);
        await tangSeng.updateToken(uid, `token of ${uid}`, SLAVE, WEB);
        return uid;
      };
      return {
        server,
        tangSeng,
        register,
        async moveIn(name) {
          const uid = await register(name);
          return SdkClient.connect({ uid, token: `token of ${uid}`, wsPort: server.wsPort });
        },
      };
    },
  };
}

export function person(uid: string): { readonly id: string; readonly type: number } {
  return { id: uid, type: 1 };
}
export function group(id: string): { readonly id: string; readonly type: number } {
  return { id, type: 2 };
}
