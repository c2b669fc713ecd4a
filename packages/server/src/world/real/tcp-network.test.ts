/** TCP over loopback: order, backpressure, and every way to close. */
import { describe, expect, test } from "vitest";
import { SeededRandom } from "../simulated/seeded-random.ts";
import { connectPeer, listenForTest, turns, waitFor } from "./test-kit.ts";

const LOTS = 32 * 1024 * 1024;

describe("bytes over TCP", () => {
  test("arrive whole and in order, whatever the sizes and numbers of buffers, seed 7", async () => {
    const random = new SeededRandom(7);
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { socket } = await first();
    const sent: Uint8Array[] = [];
    for (let round = 0; round < 100; round += 1) {
      const buffers = Array.from({ length: random.below(20) }, () => random.bytes(random.below(round * 100 + 1)));
      sent.push(...buffers.map((buffer) => buffer.slice()));
      socket.write(buffers);
      if (random.chance(0.3)) await turns(1);
    }
    const expected = Buffer.concat(sent);
    await waitFor(() => peer.received().length >= expected.length);
    expect(peer.received().equals(expected)).toBe(true);
    peer.net.destroy();
    await listener.close();
  });

  test("a chunk that was handed over is never written again", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { chunks } = await first();
    let expected = "";
    for (let number = 0; number < 200; number += 1) {
      const part = String(number).padStart(900, "-");
      expected += part;
      peer.net.write(part);
      await turns(1);
    }
    await waitFor(() => Buffer.concat(chunks).length === expected.length);
    expect(chunks.length).toBeGreaterThan(1);
    expect(Buffer.concat(chunks).toString()).toBe(expected);
    peer.net.destroy();
    await listener.close();
  });

  test("the peer's address is plain IPv4 on a dual-stack listener too", async () => {
    const { listener, first } = await listenForTest("tcp", { host: "::" });
    const peer = await connectPeer(listener.port);
    expect((await first()).socket.remote).toEqual({ ip: "127.0.0.1", port: peer.net.localPort });
    peer.net.destroy();
    await listener.close();
  });

  test("pause stops them and resume brings the rest", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { socket, told, chunks } = await first();
    socket.pause();
    peer.net.write("hello");
    await turns();
    expect(told).toEqual([]);
    socket.resume();
    await waitFor(() => chunks.length > 0);
    expect(Buffer.concat(chunks).toString()).toBe("hello");
    peer.net.destroy();
    await listener.close();
  });
});

describe("backpressure over TCP", () => {
  test("what the kernel does not take is buffered, and drained comes once when it has gone", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    peer.net.pause();
    const { socket, told } = await first();
    socket.write([new Uint8Array(LOTS)]);
    socket.write([new Uint8Array(10), new Uint8Array(10)]);
    expect(socket.bufferedBytes).toBeGreaterThan(20);
    await turns();
    expect(told).toEqual([]);
    peer.net.resume();
    await waitFor(() => told.length > 0);
    expect(told).toEqual(["drained"]);
    expect(socket.bufferedBytes).toBe(0);
    await waitFor(() => peer.received().length === LOTS + 20);
    peer.net.destroy();
    await listener.close();
  });

  test("a write that the kernel takes at once is neither buffered nor drained", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { socket, told } = await first();
    socket.write([new Uint8Array(100), new Uint8Array(100)]);
    socket.write([]);
    expect(socket.bufferedBytes).toBe(0);
    await waitFor(() => peer.received().length === 200);
    expect(told).toEqual([]);
    peer.net.destroy();
    await listener.close();
  });
});

describe("closing over TCP", () => {
  test("after a flush the peer gets everything and then the end; closed comes once and last", async () => {
    const { listener, first, timers } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { socket, told } = await first();
    socket.write([new Uint8Array(LOTS)]);
    socket.close("after-flush");
    socket.close("after-flush");
    socket.write([new Uint8Array(1)]);
    peer.net.on("end", () => peer.net.end());
    await waitFor(() => told.includes("closed"));
    expect(peer.received().length).toBe(LOTS);
    await turns();
    expect(told.filter((event) => event === "closed")).toEqual(["closed"]);
    expect(told.at(-1)).toBe("closed");
    expect(timers.count).toBe(0);
    await listener.close();
  });

  test("after a flush no more bytes are handed over, even of a paused socket", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { socket, told } = await first();
    socket.pause();
    peer.net.write(new Uint8Array(200_000));
    socket.close("after-flush");
    peer.net.on("end", () => peer.net.end());
    await waitFor(() => told.includes("closed"));
    expect(told).toEqual(["closed"]);
    await listener.close();
  });

  test("a peer that does not read is cut when the time for the flush is over", async () => {
    const { listener, first, timers } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    peer.net.pause();
    const { socket, told } = await first();
    socket.write([new Uint8Array(LOTS)]);
    socket.close("after-flush");
    await turns();
    expect(told).toEqual([]);
    timers.runAll();
    await waitFor(() => told.length > 0);
    expect(told).toEqual(["closed"]);
    peer.net.destroy();
    await listener.close();
  });

  test("now drops what is buffered", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    peer.net.pause();
    const { socket, told } = await first();
    socket.write([new Uint8Array(LOTS)]);
    socket.close("now");
    socket.close("now");
    socket.close("after-flush");
    socket.write([new Uint8Array(1)]);
    await waitFor(() => told.length > 0);
    await turns();
    expect(told).toEqual(["closed"]);
    peer.net.destroy();
    await listener.close();
  });

  test("a peer that ends first still gets what was written; one that resets only closes", async () => {
    const { listener, accepted } = await listenForTest("tcp", {
      onBytes: ({ socket }) => socket.write([new Uint8Array(1_000_000)]),
    });
    const polite = await connectPeer(listener.port);
    polite.net.end("x");
    await waitFor(() => polite.received().length === 1_000_000);
    const rude = await connectPeer(listener.port);
    await waitFor(() => accepted.length === 2);
    rude.net.resetAndDestroy();
    await waitFor(() => accepted.every(({ told }) => told.includes("closed")));
    await turns();
    for (const { told } of accepted) expect(told.filter((event) => event === "closed")).toEqual(["closed"]);
    await listener.close();
  });

  test("a closed listener frees its port at once and leaves accepted sockets to their owner", async () => {
    const { listener, first } = await listenForTest("tcp");
    const peer = await connectPeer(listener.port);
    const { socket } = await first();
    await listener.close();
    const next = await listenForTest("tcp", { port: listener.port });
    socket.write([new Uint8Array(5)]);
    await waitFor(() => peer.received().length === 5);
    expect(next.accepted).toEqual([]);
    peer.net.destroy();
    await next.listener.close();
  });

  test("a port that is taken is refused with the system's words", async () => {
    const { listener } = await listenForTest("tcp");
    await expect(listenForTest("tcp", { port: listener.port })).rejects.toThrow("EADDRINUSE");
    await listener.close();
  });
});
