/**
 * Alice writes to Bob while he is away. Bob comes, finds the chat with its unread message, and answers. Both use the
 * published wukongimjssdk, unchanged; each has a thread of his own, because the SDK keeps its state in singletons.
 *
 *   npm start            (in another terminal)
 *   npm run hello
 */
import { once } from "node:events";
import { Worker } from "node:worker_threads";

const API = process.env.API_URL ?? "http://127.0.0.1:5001";
const run = Date.now().toString(36);
const alice = `alice-${run}`;
const bob = `bob-${run}`;

const { ws_addr: address } = await api("/route");

const aliceThread = start(alice, "token-of-alice");
await api("/user/token", { uid: alice, token: "token-of-alice", device_flag: 1, device_level: 0 });
await api("/user/token", { uid: bob, token: "token-of-bob", device_flag: 1, device_level: 0 });
await said(aliceThread, "connected");
aliceThread.postMessage({ send: "Hello Bob, are you there?", to: bob });
const sent = await said(aliceThread, "acknowledged");
console.log(`${alice}: sent, acknowledged as number ${sent.messageSeq} of the chat`);

const [chat] = await api("/conversation/sync", { uid: bob, version: 0, last_msg_seqs: "", msg_count: 20 });
const missed = JSON.parse(Buffer.from(chat.recents[0].payload, "base64").toString());
console.log(`${bob}: was away; one chat, with ${chat.channel_id}, ${chat.unread} unread: "${missed.content}"`);

const bobThread = start(bob, "token-of-bob");
await said(bobThread, "connected");
bobThread.postMessage({ send: "Here I am.", to: alice });
const received = await said(aliceThread, "received");
console.log(`${alice}: received from ${received.from}: "${received.text}"`);

await Promise.all([aliceThread.terminate(), bobThread.terminate()]);

function start(uid, token) {
  return new Worker(new URL("./user.js", import.meta.url), { workerData: { uid, token, address } });
}

/** The next message of that kind from a user's thread. */
async function said(thread, kind) {
  for (;;) {
    const [message] = await once(thread, "message");
    if (message.kind === kind) return message;
    if (message.kind === "refused") throw new Error(`refused with reason ${message.reason}`);
  }
}

async function api(path, body) {
  const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  const response = await fetch(API + path, request).catch(() => {
    console.error(`no server answers at ${API}: npm start, in another terminal`);
    process.exit(1);
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
