/** The simulation: the same seed is the same run, a crash drops what was to come, and the network does what networks do. */
import { describe, expect, test } from "vitest";
import { createBatch } from "../../store/batch.ts";
import type { HttpRules, Socket, World } from "../world.ts";
import { createSimulatedWorld, type Simulation } from "./simulated-world.ts";

const PORT = 5100;
const HTTP_PORT = 5001;
const SEEDS = Array.from({ length: 40 }, (_, index) => index + 1);

const RULES: HttpRules = {
  bodyBytesMax: 10,
  headers: { all: "1" },
  gate: ({ headers }) => (headers["token"] === "wrong" ? { status: 401, body: "" } : undefined),
  notFound: ({ path }) => ({ status: 404, body: `no ${path}` }),
  unreadable: (status) => ({ status, body: "unreadable" }),
  failed: (error) => ({ status: 500, body: String(error) }),
};

/** Echoes each chunk once it is stored; tells `log` everything that happens. */
async function startServer(world: World, log: (line: string) => void): Promise<void> {
  const engine = await world.openEngine("data");
  let stored = 0;
  const at = { host: "h", port: PORT, messageBytesMax: 1_000_000, handshakeTimeoutMs: 1_000 };
  await world.network.listen({ ...at, transport: "tcp" }, (socket) => {
    log("accept");
    socket.bind({
      bytes(chunk) {
        log(`bytes ${chunk.length}`);
        const batch = createBatch(0);
        batch.keys.push(new Uint8Array([stored >> 8, stored]));
        batch.values.push(chunk);
        stored += 1;
        engine.write([batch]).then(
          () => socket.write([chunk]),
          () => socket.close("now"),
        );
      },
      drained: () => log("drained"),
      closed: () => log("closed"),
    });
  });
  const tick = (): void => {
    log(`tick ${world.clock.wallMs()} ${world.random.uint32()}`);
    world.timers.soon(() => log("soon"));
    world.timers.after(10, tick);
  };
  tick();
  const echo = { method: "POST", path: "/echo/:id", handle: () => new Promise<never>(() => undefined) } as const;
  await world.http.serve({ host: "h", port: HTTP_PORT }, [echo], RULES);
}

function listenTo(socket: Socket): { readonly bytes: number[]; readonly told: string[] } {
  const bytes: number[] = [];
  const told: string[] = [];
  socket.bind({
    bytes: (chunk) => {
      bytes.push(...chunk);
      told.push("bytes");
    },
    drained: () => void told.push("drained"),
    closed: () => void told.push("closed"),
  });
  return { bytes, told };
}

/** One connection, seen from both sides. */
async function connectPair(
  simulation: Simulation,
  transport: "tcp" | "websocket",
): Promise<{ readonly client: Socket; readonly server: Socket }> {
  const accepted: Socket[] = [];
  const at = { transport, host: "h", port: PORT, messageBytesMax: 1_000_000, handshakeTimeoutMs: 1_000 };
  await simulation.world.network.listen(at, (socket) => void accepted.push(socket));
  const client = simulation.connect(PORT, "1.2.3.4");
  await simulation.until(() => accepted.length === 1);
  return { client, server: accepted[0]! };
}

describe("one seed", () => {
  async function runOnce(seed: number): Promise<string> {
    const lines: string[] = [];
    const log = (line: string): void => void lines.push(line);
    const simulation = createSimulatedWorld({ seed, trace: log, cutChance: 0.01, writeFailureChance: 0.01 });
    for (let life = 0; life < 3; life += 1) {
      await simulation.settle(startServer(simulation.world, log));
      for (let round = 0; round < 5; round += 1) {
        const client = simulation.connect(PORT);
        const { told } = listenTo(client);
        client.write([simulation.random.bytes(simulation.random.below(500))]);
        await simulation.run(simulation.random.below(20));
        log(told.join());
      }
      simulation.stepWallClock(-5_000);
      simulation.restart();
    }
    return lines.join("\n");
  }

  test("is one run, and another seed another", async () => {
    const runs = await Promise.all([runOnce(1), runOnce(1), runOnce(2)]);
    expect(runs[0]?.length).toBeGreaterThan(1_000);
    expect(runs[1]).toBe(runs[0]);
    expect(runs[2]).not.toBe(runs[0]);
  });

  test("gives the test its own choices: drawing from them changes nothing in the world", async () => {
    const traces: string[][] = [[], []];
    for (const [index, lines] of traces.entries()) {
      const simulation = createSimulatedWorld({ seed: 5, trace: (line) => void lines.push(line) });
      if (index === 1) simulation.random.bytes(100);
      await simulation.settle(startServer(simulation.world, (line) => void lines.push(line)));
      await simulation.run(100);
    }
    expect(traces[1]).toEqual(traces[0]);
  });
});

describe("virtual time", () => {
  test("moves only when told, timers run in its order, and cancelled ones do not", async () => {
    const simulation = createSimulatedWorld({ seed: 1 });
    const { timers, clock } = simulation.world;
    const ran: string[] = [];
    for (const delayMs of [300, 100, 200]) timers.after(delayMs, () => ran.push(String(delayMs)));
    timers.after(150, () => ran.push("cancelled")).cancel();
    timers.soon(() => ran.push("soon 1"));
    timers.soon(() => ran.push("soon 2"));
    expect(ran).toEqual([]);
    await simulation.run(250);
    expect(ran).toEqual(["soon 1", "soon 2", "100", "200"]);
    expect(clock.monotonicMs()).toBe(250);
    await simulation.runUntilIdle();
    expect(ran.at(-1)).toBe("300");
  });

  test("wall time can be stepped back, monotonic time cannot", async () => {
    const simulation = createSimulatedWorld({ seed: 1, startMs: 1_000_000 });
    await simulation.run(10);
    simulation.stepWallClock(-500_000);
    expect(simulation.world.clock.wallMs()).toBe(500_010);
    expect(simulation.world.clock.monotonicMs()).toBe(10);
  });

  test("promises run to their end between two events", async () => {
    const simulation = createSimulatedWorld({ seed: 1 });
    const ran: string[] = [];
    const deep = async (depth: number): Promise<void> => (depth === 0 ? undefined : deep(depth - 1));
    simulation.world.timers.after(1, () => void deep(500).then(() => ran.push("promise")));
    simulation.world.timers.after(2, () => ran.push("timer"));
    await simulation.runUntilIdle();
    expect(ran).toEqual(["promise", "timer"]);
  });

  test("waiting for what never comes throws", async () => {
    const simulation = createSimulatedWorld({ seed: 1 });
    await expect(simulation.settle(new Promise(() => undefined), 100)).rejects.toThrow("100 simulated ms");
    const renew = (): void => void simulation.world.timers.after(10, renew);
    renew();
    await expect(simulation.runUntilIdle()).rejects.toThrow("still busy");
  });

  test("an error in a callback reaches the test", async () => {
    const simulation = createSimulatedWorld({ seed: 1 });
    simulation.world.timers.after(1, () => {
      throw new Error("a bug");
    });
    await expect(simulation.run(10)).rejects.toThrow("a bug");
  });
});

describe("a crash", () => {
  test("drops every callback of the dead life, closes its connections and answers its requests with nothing", async () => {
    for (const seed of SEEDS) {
      const lines: string[] = [];
      const simulation = createSimulatedWorld({ seed });
      await simulation.settle(startServer(simulation.world, (line) => void lines.push(line)));
      const client = simulation.connect(PORT);
      const { told } = listenTo(client);
      client.write([new Uint8Array(1_000)]);
      const answer = simulation.request(HTTP_PORT, { method: "POST", url: "/echo/1" });
      const replaced = simulation.world.files.replace("file", new Uint8Array([1])).then(() => lines.push("replaced"));
      await simulation.run(simulation.random.below(10));
      simulation.crash();
      const before = lines.length;
      expect(await simulation.settle(answer)).toBeUndefined();
      await simulation.runUntilIdle();
      expect(lines.length, `seed ${seed}`).toBe(before);
      expect(told.at(-1), `seed ${seed}`).toBe("closed");
      expect(told.filter((event) => event === "closed").length).toBe(1);
      void replaced;
      const late = simulation.connect(PORT);
      const refused = listenTo(late);
      expect(
        await simulation.settle(simulation.request(HTTP_PORT, { method: "POST", url: "/echo/1" })),
      ).toBeUndefined();
      await simulation.runUntilIdle();
      expect(refused.told).toEqual(["closed"]);
    }
  });

  test("leaves files and rows to the next life, and the next life its own ports and random numbers", async () => {
    const simulation = createSimulatedWorld({ seed: 3 });
    await simulation.settle(simulation.world.files.replace("file", new Uint8Array([7])));
    const first = simulation.world.random.uint32();
    await simulation.settle(startServer(simulation.world, () => undefined));
    simulation.crash();
    const world = simulation.restart();
    expect(simulation.world).toBe(world);
    expect(await simulation.settle(world.files.read("file"))).toEqual(new Uint8Array([7]));
    expect(await simulation.settle(world.files.read("none"))).toBeUndefined();
    expect(world.random.uint32()).not.toBe(first);
    const lines: string[] = [];
    await simulation.settle(startServer(world, (line) => void lines.push(line)));
    simulation.connect(PORT);
    await simulation.until(() => lines.includes("accept"));
  });

  test("in the middle of a replacement leaves the old or the new bytes: both happen", async () => {
    const outcomes = new Set<number | undefined>();
    for (const seed of SEEDS) {
      const simulation = createSimulatedWorld({ seed });
      await simulation.settle(simulation.world.files.replace("file", new Uint8Array([1])));
      void simulation.world.files.replace("file", new Uint8Array([2]));
      await simulation.run(0.5);
      const bytes = await simulation.settle(simulation.restart().files.read("file"));
      outcomes.add(bytes?.[0]);
    }
    expect(outcomes).toEqual(new Set([1, 2]));
  });
});

describe("the simulated network", () => {
  test("a stream arrives whole and in order both ways, in other pieces than it was sent", async () => {
    let split = 0;
    let joined = 0;
    for (const seed of SEEDS) {
      const simulation = createSimulatedWorld({ seed });
      const { client, server } = await connectPair(simulation, "tcp");
      expect(server.remote.ip).toBe("1.2.3.4");
      const ends = [
        { from: client, to: listenTo(server), sent: [] as number[] },
        { from: server, to: listenTo(client), sent: [] as number[] },
      ];
      let writes = 0;
      for (let round = 0; round < 20; round += 1) {
        for (const { from, sent } of ends) {
          const buffers = [simulation.random.bytes(simulation.random.below(50)), new Uint8Array(1)];
          for (const buffer of buffers) sent.push(...buffer);
          from.write(buffers);
          writes += 2;
        }
        await simulation.run(simulation.random.below(5));
      }
      await simulation.runUntilIdle();
      const pieces = ends.reduce((sum, { to }) => sum + to.told.length, 0);
      if (pieces < writes) joined += 1;
      for (const { to, sent } of ends) expect(to.bytes, `seed ${seed}`).toEqual(sent);
      client.write([new Uint8Array(10_000)]);
      const before = ends[0]!.to.told.length;
      await simulation.runUntilIdle();
      if (ends[0]!.to.told.length > before + 1) split += 1;
    }
    expect(joined).toBeGreaterThan(0);
    expect(split).toBeGreaterThan(0);
  });

  test("a WebSocket message arrives as it was sent, the empty one too", async () => {
    const simulation = createSimulatedWorld({ seed: 4 });
    const { client, server } = await connectPair(simulation, "websocket");
    const sizes: number[] = [];
    server.bind({ bytes: (chunk) => void sizes.push(chunk.length), drained: () => undefined, closed: () => undefined });
    client.write([3, 0, 500, 1].map((size) => new Uint8Array(size)));
    await simulation.runUntilIdle();
    expect(sizes).toEqual([3, 0, 500, 1]);
  });

  test("a buffer that its writer changes arrives changed: it belongs to the socket", async () => {
    const simulation = createSimulatedWorld({ seed: 4 });
    const { client, server } = await connectPair(simulation, "tcp");
    const { bytes } = listenTo(server);
    const buffer = new Uint8Array([1]);
    client.write([buffer]);
    buffer[0] = 9;
    await simulation.runUntilIdle();
    expect(bytes).toEqual([9]);
  });

  test("a receiver that pauses makes the sender buffer; drained comes once when it reads again", async () => {
    const simulation = createSimulatedWorld({ seed: 6, kernelBytes: 1_000 });
    const { client, server } = await connectPair(simulation, "tcp");
    const { told } = listenTo(server);
    const reader = listenTo(client);
    client.pause();
    server.write([new Uint8Array(3_000)]);
    await simulation.runUntilIdle();
    expect(server.bufferedBytes).toBe(2_000);
    expect(told).toEqual([]);
    client.resume();
    await simulation.runUntilIdle();
    expect(server.bufferedBytes).toBe(0);
    expect(told).toEqual(["drained"]);
    expect(reader.bytes.length).toBe(3_000);
  });

  test("closing after a flush delivers everything, then closes both ends once", async () => {
    for (const seed of SEEDS) {
      const simulation = createSimulatedWorld({ seed });
      const { client, server } = await connectPair(simulation, "tcp");
      const ends = [listenTo(client), listenTo(server)];
      server.write([new Uint8Array(5_000)]);
      server.close("after-flush");
      server.write([new Uint8Array(5_000)]);
      await simulation.runUntilIdle();
      expect(ends[0]?.bytes.length).toBe(5_000);
      for (const { told } of ends) {
        expect(told.filter((event) => event === "closed")).toEqual(["closed"]);
        expect(told.at(-1)).toBe("closed");
      }
    }
  });

  test("a peer that does not read cannot keep a closing socket for longer than the flush may take", async () => {
    const simulation = createSimulatedWorld({ seed: 1 });
    const { client, server } = await connectPair(simulation, "tcp");
    const { told } = listenTo(server);
    listenTo(client);
    client.pause();
    server.write([new Uint8Array(100)]);
    server.close("after-flush");
    await simulation.run(1_900);
    expect(told).toEqual([]);
    await simulation.run(200);
    expect(told).toEqual(["closed"]);
  });

  test("closing now and a cut end both ends, after nothing or the beginning of what was under way", async () => {
    for (const seed of SEEDS) {
      const simulation = createSimulatedWorld({ seed });
      const { client, server } = await connectPair(simulation, "tcp");
      const ends = [listenTo(client), listenTo(server)];
      const sent = simulation.random.bytes(300);
      server.write([sent.slice(0, 100), sent.slice(100)]);
      await simulation.run(simulation.random.below(3));
      if (seed % 2 === 0) server.close("now");
      else simulation.cut(client);
      await simulation.runUntilIdle();
      for (const { told } of ends) {
        expect(told.at(-1), `seed ${seed}`).toBe("closed");
        expect(told.filter((event) => event === "closed")).toEqual(["closed"]);
      }
      const got = ends[0]?.bytes ?? [];
      expect(new Uint8Array(got), `seed ${seed}`).toEqual(sent.slice(0, got.length));
    }
  });

  test("a port is taken once, by sockets or HTTP, and free again after close", async () => {
    const { network, http } = createSimulatedWorld({ seed: 1 }).world;
    const at = { transport: "tcp", host: "h", port: 0, messageBytesMax: 1, handshakeTimeoutMs: 1 } as const;
    const listener = await network.listen(at, () => undefined);
    await expect(http.serve({ host: "h", port: listener.port }, [], RULES)).rejects.toThrow("EADDRINUSE");
    await listener.close();
    await (await http.serve({ host: "h", port: listener.port }, [], RULES)).close();
  });
});

describe("simulated HTTP", () => {
  test("follows the same rules as the real one", async () => {
    const simulation = createSimulatedWorld({ seed: 1 });
    const echo = (request: object): { status: number; body: string } => ({
      status: 200,
      body: JSON.stringify(request),
    });
    await simulation.world.http.serve(
      { host: "h", port: HTTP_PORT },
      [
        {
          method: "POST",
          path: "/echo/:id",
          handle: async (request) => echo({ ...request, body: String(request.body) }),
        },
        {
          method: "GET",
          path: "/throws",
          handle: () => {
            throw new Error("on purpose");
          },
        },
      ],
      RULES,
    );
    const ask = (method: string, url: string, more: object = {}) =>
      simulation.settle(simulation.request(HTTP_PORT, { method, url, ...more }));
    const seen = JSON.parse(String((await ask("POST", "/echo/a%2Fb?x=1&x=2", { body: "hi" }))?.body));
    expect(seen).toMatchObject({ params: { id: "a/b" }, query: { x: "1" }, body: "hi", ip: "127.0.0.1" });
    expect(await ask("POST", "/echo/1/?q")).toMatchObject({
      status: 307,
      headers: { location: "/echo/1?q", all: "1" },
    });
    expect(await ask("GET", "/echo/1")).toMatchObject({ status: 404, body: "no /echo/1", headers: { all: "1" } });
    expect(await ask("GET", "/none", { headers: { token: "wrong" } })).toMatchObject({ status: 401 });
    expect(await ask("POST", "/echo/1", { body: "x".repeat(11) })).toMatchObject({ status: 413 });
    expect(await ask("GET", "/throws")).toMatchObject({ status: 500, body: "Error: on purpose" });
  });
});
