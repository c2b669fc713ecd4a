/** What the HTTP clients of many languages do on their own. None of it may change what a call means. */
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { sharedServer } from "../harness/shared-server.ts";
import { uniqueId } from "../harness/waiting.ts";

const shared = sharedServer();

/** Sends the parts, each when the server has said something to the one before, and gives all that comes until the end. */
async function exchange(...parts: string[]): Promise<string> {
  const socket = connect(shared.current.httpPort, "127.0.0.1");
  const answers: Buffer[] = [];
  const rest = parts.values();
  const writeNext = (): void => {
    const { value } = rest.next();
    if (value !== undefined) socket.write(value);
  };
  socket.on("connect", writeNext);
  socket.on("data", (chunk: Buffer) => {
    answers.push(chunk);
    writeNext();
  });
  await once(socket, "close");
  return Buffer.concat(answers).toString();
}

const body = JSON.stringify({ uid: uniqueId("u"), token: "t" });
const LENGTH = `Content-Length: ${Buffer.byteLength(body)}`;
const CHUNKS = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

const HABITS: readonly [string, ...string[]][] = [
  ["Go: no Content-Type", `POST /user/token HTTP/1.1\r\nHost: h\r\n${LENGTH}\r\nConnection: close\r\n\r\n${body}`],
  [
    "PHP: a form type",
    `POST /user/token HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n${LENGTH}\r\nConnection: close\r\n\r\n${body}`,
  ],
  [
    "Java: offers HTTP/2",
    `POST /user/token HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n${LENGTH}\r\n\r\n${body}`,
    "GET /healthz HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
  ],
  [
    "curl, .NET: asks before it sends the body",
    `POST /user/token HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n${LENGTH}\r\nConnection: close\r\n\r\n`,
    body,
  ],
  ["old proxies: HTTP/1.0", `POST /user/token HTTP/1.0\r\n${LENGTH}\r\n\r\n${body}`],
  [
    "streams: chunks",
    `POST /user/token HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${CHUNKS}`,
  ],
  [
    "HTTP proxies: the whole address",
    `POST http://chat.internal:5001/user/token HTTP/1.1\r\nHost: chat.internal:5001\r\n${LENGTH}\r\nConnection: close\r\n\r\n${body}`,
  ],
];

test.each(HABITS)("%s", async (_name, ...parts) => {
  const answer = await exchange(...parts);
  expect(answer).toMatch(/HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toContain('{"status":200}');
});

test("several calls on one connection are answered in their order, also those written before the first answer", async () => {
  const group = uniqueId("g");
  const call = (path: string, value: object, last = ""): string => {
    const text = JSON.stringify(value);
    return `POST ${path} HTTP/1.1\r\nHost: h\r\nContent-Length: ${text.length}\r\n${last}\r\n${text}`;
  };
  const message = { from_uid: "a", channel_id: group, channel_type: 2, payload: "eA==" };
  const answer = await exchange(
    call("/channel", { channel_id: group, channel_type: 2, subscribers: ["a"] }) +
      call("/message/send", message) +
      call("/message/send", message) +
      call("/no/such/path", {}, "Connection: close\r\n"),
  );
  expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(["200", "200", "200", "404"]);
  expect([...answer.matchAll(/"message_seq":(\d)/g)].map(([, seq]) => seq)).toEqual(["1", "2"]);
});
