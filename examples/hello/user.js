/** One user: the SDK in a thread, told what to send and telling what happens. */
import { registerHooks } from "node:module";
import { parentPort, workerData } from "node:worker_threads";

// The SDK is talkative.
console.log = () => {};

// The package is written for bundlers: its imports leave out the file endings.
registerHooks({
  resolve(specifier, context, next) {
    const isOfSdk =
      context.parentURL?.includes("/wukongimjssdk/lib/") === true &&
      specifier.startsWith(".") &&
      !specifier.endsWith(".js");
    if (!isOfSdk) return next(specifier, context);
    return next(specifier === "." || specifier === "./" ? "./index.js" : `${specifier}.js`, context);
  },
});
const { default: WKSDK } = await import("wukongimjssdk");
const { ConnectStatus } = await import("wukongimjssdk/lib/connect_manager.js");

const PERSON = 1;
const sdk = WKSDK.shared();
const tell = (kind, details = {}) => parentPort.postMessage({ kind, ...details });

sdk.config.uid = workerData.uid;
sdk.config.token = workerData.token;
sdk.config.addr = workerData.address;
sdk.connectManager.addConnectStatusListener((status, reason) => {
  if (status === ConnectStatus.Connected) tell("connected");
  else if (status === ConnectStatus.ConnectFail) tell("refused", { reason });
});
sdk.chatManager.addMessageStatusListener((ack) => tell("acknowledged", { messageSeq: ack.messageSeq }));
sdk.chatManager.addMessageListener((message) => {
  if (!message.send) tell("received", { from: message.fromUID, text: message.content.text });
});
parentPort.on("message", ({ send, to }) => {
  void sdk.chatManager.send(sdk.newMessageText(send), sdk.newChannel(to, PERSON));
});
sdk.connectManager.connect();
