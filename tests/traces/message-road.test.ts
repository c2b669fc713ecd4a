/** With OTEL_* set, a real collector's port gets the road of a message as spans; without, the server asks nobody. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { PERSON } from "../harness/back-end.ts";
import { ServerProcess } from "../harness/server-process.ts";
import { eventually, uniqueId } from "../harness/waiting.ts";

/** Keeps the bodies that a collector would be sent. */
class Collector implements AsyncDisposable {
  readonly bodies: Buffer[] = [];
  readonly paths = new Set<string>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", (request, answer) => {
      this.paths.add(`${request.method} ${request.url} ${request.headers["content-type"]}`);
      request.on("data", (part: Buffer) => this.bodies.push(part));
      request.on("end", () => answer.writeHead(200, { "content-type": "application/x-protobuf" }).end());
    });
  }

  static async start(): Promise<Collector> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Collector(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Strings of protobuf stand in it as they are. */
  get text(): string {
    return Buffer.concat(this.bodies).toString("latin1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

test("the road of a message arrives at the collector, and nothing of its contents", async () => {
  await using collector = await Collector.start();
  await using server = await ServerProcess.start({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_SERVICE_NAME: "chat-of-the-test" },
  });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await server.connect(a);
  using bob = await server.connect(b);
  const { messageId } = await alice.sendOk({ to: b, type: PERSON, payload: "SECRETMARKER" });
  await bob.takeSome(1);
  expect((await server.stop()).code).toBe(0);
  await eventually(() => collector.text.includes(messageId.toString()), "what waited was sent at the end");
  expect([...collector.paths]).toEqual(["POST /v1/traces application/x-protobuf"]);
  for (const word of ["chat-of-the-test", "send", "decide", "commit", "fan_out", "push", "wk.channel_type"])
    expect(collector.text).toContain(word);
  for (const word of ["SECRETMARKER", a, b]) expect(collector.text).not.toContain(word);
});

test("a collector that is away, or a protocol that is not there, costs traces and nothing else", async () => {
  await using server = await ServerProcess.start({
    environment: {
      OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
      OTEL_TRACES_SAMPLER: "traceidratio",
      OTEL_TRACES_SAMPLER_ARG: "0.5",
    },
  });
  const [a, b] = [uniqueId("a"), uniqueId("b")];
  using alice = await server.connect(a);
  for (let index = 0; index < 20; index++) await alice.sendOk({ to: b, type: PERSON, payload: `${index}` });
  expect((await server.stop()).code).toBe(0);
  await using other = await ServerProcess.start({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
  });
  await eventually(() => other.output.includes("http/protobuf only"), "it says why there are none");
});

test("without a sampled trace nothing is sent", async () => {
  await using collector = await Collector.start();
  await using server = await ServerProcess.start({
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER: "always_off" },
  });
  using alice = await server.connect(uniqueId("a"));
  await alice.sendOk({ to: uniqueId("b"), type: PERSON, payload: "x" });
  await server.stop();
  expect(collector.bodies).toEqual([]);
});

test("without the packages the server says what to install and works, and without OTEL_* nobody misses them", async () => {
  const missing = new URL("./no-open-telemetry.ts", import.meta.url).href;
  const environment = { NODE_OPTIONS: `--import=${missing}` };
  await using server = await ServerProcess.start({
    environment: { ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9" },
  });
  await eventually(() => server.output.includes("npm install @opentelemetry/api"), "it says what to install");
  using alice = await server.connect(uniqueId("a"));
  await alice.sendOk({ to: uniqueId("b"), type: PERSON, payload: "x" });
  await using silent = await ServerProcess.start({ environment });
  expect(silent.output).not.toContain("opentelemetry");
});
