/**
 * The published wukongimjssdk, unchanged, one instance per user. The package keeps its state in singletons and is
 * written for bundlers (imports without file endings), so a resolve hook completes its imports and gives every user a
 * copy of the modules.
 */
import { createRequire, registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import { eventually } from "./waiting.ts";

/** The parts of the SDK that are used here. */
interface SdkModule {
  readonly default: { shared(): Sdk };
}
interface Sdk {
  readonly config: { uid: string; token: string; addr: string; deviceFlag: number; heartbeatInterval: number };
  readonly connectManager: {
    readonly status: number;
    connect(): void;
    disconnect(): void;
    addConnectStatusListener(listener: (status: number, reason: number) => void): void;
  };
  readonly chatManager: {
    addMessageListener(listener: (message: SdkMessage) => void): void;
    addCMDListener(listener: (message: SdkMessage) => void): void;
    addMessageStatusListener(listener: (ack: SdkAck) => void): void;
    send(content: unknown, channel: unknown): Promise<SdkMessage>;
  };
  newMessageText(text: string): unknown;
  newChannel(channelId: string, channelType: number): unknown;
}
interface SdkAck {
  readonly clientSeq: number;
  readonly messageID: { toString(): string };
  readonly messageSeq: number;
  readonly reasonCode: number;
}
interface SdkMessage {
  readonly clientSeq: number;
  readonly clientMsgNo: string;
  readonly messageID: string;
  readonly messageSeq?: number;
  readonly fromUID: string;
  readonly channel: { readonly channelID: string; readonly channelType: number };
  readonly content: {
    readonly text?: string;
    readonly contentObj?: { readonly content?: string };
    readonly cmd?: string;
    readonly param?: unknown;
  };
}

export interface SdkReceived {
  readonly fromUid: string;
  readonly channelId: string;
  readonly channelType: number;
  readonly messageSeq: number;
  /** What the chat shows, also of a notice by the system. */
  readonly text: string;
}

/** A command as applications get it: apart from the messages. */
export interface SdkCommand {
  readonly fromUid: string;
  readonly cmd: string;
  readonly param: unknown;
}

/** The SDK's ConnectStatus. */
export const SdkStatus = { disconnect: 0, connected: 1, connecting: 2, connectFail: 3, connectKick: 4 } as const;

const SDK_FOLDER = "/wukongimjssdk/lib/";
const state = { isHooked: false, count: 0 };

export class SdkClient implements Disposable {
  readonly uid: string;
  readonly received: SdkReceived[] = [];
  readonly commands: SdkCommand[] = [];
  readonly statuses: { readonly status: number; readonly reason: number }[] = [];
  readonly #sdk: Sdk;
  readonly #acks = new Map<number, SdkAck>();

  private constructor(sdk: Sdk, uid: string) {
    this.#sdk = sdk;
    this.uid = uid;
    sdk.connectManager.addConnectStatusListener((status, reason) => {
      this.statuses.push({ status, reason });
    });
    sdk.chatManager.addMessageStatusListener((ack) => {
      this.#acks.set(ack.clientSeq, ack);
    });
    sdk.chatManager.addMessageListener((message) => {
      // The SDK announces its own SENDs here too, without a seq.
      if (message.fromUID === uid && (message.messageSeq ?? 0) === 0) return;
      this.received.push({
        fromUid: message.fromUID,
        channelId: message.channel.channelID,
        channelType: message.channel.channelType,
        messageSeq: message.messageSeq ?? 0,
        text: message.content.text ?? message.content.contentObj?.content ?? "",
      });
    });
    sdk.chatManager.addCMDListener(({ fromUID, content }) => {
      this.commands.push({ fromUid: fromUID, cmd: content.cmd ?? "", param: content.param });
    });
  }

  static async create(user: {
    readonly uid: string;
    readonly token?: string;
    readonly wsPort: number;
  }): Promise<SdkClient> {
    const sdk = (await loadSdk()).default.shared();
    sdk.config.uid = user.uid;
    sdk.config.token = user.token ?? "";
    sdk.config.addr = `ws://127.0.0.1:${user.wsPort}`;
    return new SdkClient(sdk, user.uid);
  }

  static async connect(user: {
    readonly uid: string;
    readonly token?: string;
    readonly wsPort: number;
  }): Promise<SdkClient> {
    const client = await SdkClient.create(user);
    await client.connect();
    return client;
  }

  /** The SDK's own configuration object. */
  get sdkConfig(): { readonly uid: string } {
    return this.#sdk.config;
  }

  /** SdkStatus now. */
  get status(): number {
    return this.#sdk.connectManager.status;
  }

  async connect(): Promise<void> {
    this.start();
    await eventually(() => this.status === SdkStatus.connected, `the SDK of ${this.uid} is connected`, 15_000);
  }

  /** Begins to connect and does not wait. */
  start(): void {
    this.#sdk.connectManager.connect();
  }

  disconnect(): void {
    this.#sdk.connectManager.disconnect();
  }

  /** Sends a text and waits for its answer. */
  async sendText(
    channelId: string,
    channelType: number,
    text: string,
  ): Promise<{ readonly reason: number; readonly messageSeq: number }> {
    const message = await this.#sdk.chatManager.send(
      this.#sdk.newMessageText(text),
      this.#sdk.newChannel(channelId, channelType),
    );
    const ack = await eventually(() => this.#acks.get(message.clientSeq), `an answer to "${text}" of ${this.uid}`);
    return { reason: ack.reasonCode, messageSeq: ack.messageSeq };
  }

  async receive(count: number): Promise<SdkReceived[]> {
    await eventually(() => this.received.length >= count, `the SDK of ${this.uid} receives ${count} messages`);
    return this.received.splice(0);
  }

  async receiveCommands(count: number): Promise<SdkCommand[]> {
    await eventually(() => this.commands.length >= count, `the SDK of ${this.uid} receives ${count} commands`);
    return this.commands.splice(0);
  }

  [Symbol.dispose](): void {
    this.disconnect();
  }
}

const require = createRequire(import.meta.url);
const nativeImport = require("./native-import.cjs") as (url: string) => Promise<SdkModule>; // the file is four lines long

async function loadSdk(): Promise<SdkModule> {
  if (!state.isHooked) {
    state.isHooked = true;
    registerHooks({
      resolve(specifier, context, next) {
        const parent = context.parentURL;
        if (parent === undefined || !parent.includes(SDK_FOLDER) || !specifier.startsWith("."))
          return next(specifier, context);
        const name = specifier === "." || specifier === "./" ? "./index" : specifier;
        const url = new URL(`${name}.js`, parent);
        url.search = new URL(parent).search;
        return { url: url.href, format: "module", shortCircuit: true };
      },
    });
  }
  const entry = pathToFileURL(require.resolve("wukongimjssdk"));
  entry.search = `user=${++state.count}`;
  return nativeImport(entry.href);
}
