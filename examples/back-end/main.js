/**
 * A small back end of a chat application. It lets people in, owns the members of one group, is told of what happens by
 * webhooks, and runs a bot. What it knows it keeps in memory; where a real one asks its database, a comment says so.
 */
import { createServer } from "node:http";
import { createBot } from "./bot.js";
import { createChatServer, NotNow } from "./chat-server.js";
import { createPeople } from "./people.js";
import { createWebhook } from "./webhook.js";

const { PORT = "8080", API_URL = "http://127.0.0.1:5001", MANAGER_TOKEN = "", WEBHOOK_SECRET = "" } = process.env;
const BODY_BYTES_MAX = 16 * 1024 * 1024;

const chatServer = createChatServer(API_URL, MANAGER_TOKEN);
const people = createPeople(chatServer);
const bot = createBot(chatServer);
const webhook = createWebhook(WEBHOOK_SECRET, {
  "msg.notify": (messages) => bot.answer(messages),
  "msg.offline": (message) => people.missed(message),
  "user.onlinestatus": (changes) => people.changedStatus(changes),
});

await bot.introduce();
await people.openGroup(bot.uid);

const routes = {
  "POST /login": async ({ body }) => json(await people.login(JSON.parse(body))),
  "GET /people": () => json(people.list()),
  "POST /webhook": ({ query, headers, body }) => webhook(query.get("event"), headers, body),
};

const server = createServer((request, response) => void serve(request, response));
server.listen(Number(PORT), () => console.log(`the back end listens on port ${server.address().port}`));

async function serve(request, response) {
  const { status, text } = await answer(request).catch((error) => {
    console.error(error);
    return { status: statusOf(error), text: "" };
  });
  response.writeHead(status, { "content-type": "application/json" }).end(text);
}

async function answer(request) {
  const { pathname, searchParams } = new URL(request.url, "http://back-end");
  const handle = routes[`${request.method} ${pathname}`];
  if (handle === undefined) return { status: 404, text: "" };
  const parts = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > BODY_BYTES_MAX) return { status: 413, text: "" };
    parts.push(part);
  }
  return handle({ query: searchParams, headers: request.headers, body: Buffer.concat(parts) });
}

function json(value) {
  return { status: 200, text: JSON.stringify(value) };
}

/** With 503 the chat server waits and brings an event again, as often as it takes. */
function statusOf(error) {
  if (error instanceof SyntaxError) return 400;
  return error instanceof NotNow ? 503 : 500;
}
