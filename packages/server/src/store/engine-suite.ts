/**
 * What an `Engine` promises, as tests that every engine runs. A test file calls `engineSuite` with a host that opens the
 * same directory again and again.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SeededRandom } from "../world/simulated/seeded-random.ts";
import { type Batch, createBatch } from "./batch.ts";
import { type Engine, type Entry, type KeyRange, StoreOpenError } from "./engine.ts";

export interface EngineHost {
  /** Always the same directory. */
  open(): Promise<Engine>;
  /** Waits; a simulated world moves its time meanwhile. */
  settled<Value>(promise: Promise<Value>): Promise<Value>;
  /** Closes what is open and removes the directory. */
  dispose(): Promise<void>;
}

/** A host whose disk can be made to refuse writes. */
export interface FailingHost extends EngineHost {
  breakDisk(): Promise<void>;
  repairDisk(): Promise<void>;
}

export interface EngineSuiteOptions {
  createHost(): Promise<EngineHost>;
  /** A text says why this machine cannot make a disk fail. */
  readonly createFailingHost: (() => Promise<FailingHost>) | string;
}

type Change = readonly [key: Uint8Array, value: Uint8Array | null];

const EVERYTHING: KeyRange = {
  from: new Uint8Array(0),
  to: new Uint8Array(64).fill(0xff),
  reverse: false,
  limit: 1_000_000,
  bytesMax: 1_000_000_000,
};

export function engineSuite(name: string, options: EngineSuiteOptions): void {
  describe(`engine ${name}`, () => {
    let host: EngineHost;
    let engine: Engine;

    const write = (...changes: Change[]): Promise<void> => host.settled(engine.write([batchOf(changes)]));
    const range = (wanted: Partial<KeyRange>): Promise<Entry[]> =>
      host.settled(engine.range({ ...EVERYTHING, ...wanted }));
    const reopen = async (): Promise<void> => {
      await host.settled(engine.close());
      engine = await host.settled(host.open());
    };

    beforeEach(async () => {
      host = await options.createHost();
      engine = await host.settled(host.open());
    });
    afterEach(() => host.dispose());

    test("what was written is found by get, getMany and range, and again after reopening", async () => {
      await write([key("a"), text("1")], [key("b"), text("2")]);
      for (const _ of [1, 2]) {
        expect(plain(engine.get(key("a")))).toEqual(text("1"));
        expect((await host.settled(engine.getMany([key("b"), key("a")]))).map(plain)).toEqual([text("2"), text("1")]);
        expect(shown(await range({}))).toEqual(["a=1", "b=2"]);
        await reopen();
      }
    });

    test("absent keys are undefined, each at its place", async () => {
      await write([key("b"), text("2")]);
      expect(engine.get(key("a"))).toBeUndefined();
      const found = await host.settled(engine.getMany([key("a"), key("b"), key("c"), key("b")]));
      expect(found.map(plain)).toEqual([undefined, text("2"), undefined, text("2")]);
      expect(await host.settled(engine.getMany([]))).toEqual([]);
    });

    test("a write is not visible when it was only called, and is when it resolved", async () => {
      const written = engine.write([batchOf([[key("a"), text("1")]])]);
      expect(engine.get(key("a"))).toBeUndefined();
      await host.settled(written);
      expect(plain(engine.get(key("a")))).toEqual(text("1"));
    });

    test("within one write the later change of a key wins, across its batches", async () => {
      await host.settled(
        engine.write([
          batchOf([
            [key("a"), text("1")],
            [key("a"), text("2")],
            [key("b"), text("1")],
            [key("c"), null],
          ]),
          batchOf([
            [key("b"), null],
            [key("c"), text("3")],
          ]),
        ]),
      );
      expect(shown(await range({}))).toEqual(["a=2", "c=3"]);
      await reopen();
      expect(shown(await range({}))).toEqual(["a=2", "c=3"]);
    });

    test("a deleted row is gone, deleting an absent one is harmless, and the same write twice changes nothing", async () => {
      await write([key("a"), text("1")], [key("b"), text("2")]);
      for (const _ of [1, 2]) await write([key("a"), null], [key("x"), null], [key("c"), text("3")]);
      expect(engine.get(key("a"))).toBeUndefined();
      expect(shown(await range({}))).toEqual(["b=2", "c=3"]);
    });

    test("writes without batches and batches without changes are fine", async () => {
      await host.settled(engine.write([]));
      await host.settled(engine.write([createBatch(0), createBatch(1)]));
      expect(await range({})).toEqual([]);
    });

    test("a range includes its start and excludes its end, in both directions", async () => {
      await write(...["a", "b", "c", "d"].map((id): Change => [key(id), text(id)]));
      expect(shown(await range({ from: key("b"), to: key("d") }))).toEqual(["b=b", "c=c"]);
      expect(shown(await range({ from: key("b"), to: key("d"), reverse: true }))).toEqual(["c=c", "b=b"]);
      expect(shown(await range({ from: key("bb"), to: key("cc") }))).toEqual(["c=c"]);
      expect(await range({ from: key("d"), to: key("b") })).toEqual([]);
      expect(await range({ from: key("b"), to: key("b") })).toEqual([]);
      expect(await range({ from: key("x"), to: key("z") })).toEqual([]);
    });

    test("a range stops at its limit and at its bytes, but one entry comes whatever its size", async () => {
      await write(...["a", "b", "c", "d"].map((id): Change => [key(id), new Uint8Array(9)]));
      const idsOf = (entries: Entry[]): string => entries.map(([id]) => String.fromCharCode(...id)).join("");
      expect(idsOf(await range({ limit: 2 }))).toBe("ab");
      expect(idsOf(await range({ limit: 2, reverse: true }))).toBe("dc");
      expect(idsOf(await range({ limit: 0 }))).toBe("");
      expect(idsOf(await range({ bytesMax: 30 }))).toBe("abc");
      expect(idsOf(await range({ bytesMax: 29 }))).toBe("ab");
      expect(idsOf(await range({ bytesMax: 29, reverse: true }))).toBe("dc");
      expect(idsOf(await range({ bytesMax: 1 }))).toBe("a");
    });

    test("keys are ordered as bytes, and any byte may be in them; values may be empty", async () => {
      const keys = [[0], [0, 0], [0, 255], [1], [127], [128], [128, 0], [255], [255, 0], [255, 255]].map(
        (bytes) => new Uint8Array(bytes),
      );
      await write(...keys.toReversed().map((bytes): Change => [bytes, new Uint8Array(0)]));
      await reopen();
      expect((await range({})).map(([bytes]) => [...bytes])).toEqual(keys.map((bytes) => [...bytes]));
      for (const bytes of keys) expect(plain(engine.get(bytes))).toEqual(new Uint8Array(0));
      const between = await range({ from: new Uint8Array([0, 255]), to: new Uint8Array([128, 0]) });
      expect(between.map(([bytes]) => [...bytes])).toEqual([[0, 255], [1], [127], [128]]);
    });

    test("values of a megabyte come back whole, from a range too", async () => {
      const values = [1, 2, 3, 4].map((seed) => new SeededRandom(seed).bytes(1024 * 1024));
      await write(...values.map((value, index): Change => [new Uint8Array([index]), value]));
      await reopen();
      for (const [index, value] of values.entries()) {
        expect(sameBytes(engine.get(new Uint8Array([index])), value)).toBe(true);
      }
      const entries = await range({});
      expect(entries.map(([, value], index) => sameBytes(value, values[index]))).toEqual([true, true, true, true]);
      expect((await range({ bytesMax: 3 * 1024 * 1024 })).length).toBe(2);
    });

    test("what was read belongs to the reader: changing it changes nothing that is stored", async () => {
      await write([key("a"), text("1")], [key("b"), text("2")]);
      const [many] = await host.settled(engine.getMany([key("a")]));
      for (const value of [engine.get(key("a")), many, ...(await range({})).flat()]) value?.fill(0);
      expect(shown(await range({}))).toEqual(["a=1", "b=2"]);
      expect(plain(engine.get(key("a")))).toEqual(text("1"));
    });

    test("a range during writes shows one point in time", async () => {
      const keys = Array.from({ length: 300 }, (_, index) => new Uint8Array([index >> 8, index]));
      const version = (number: number): Change[] => keys.map((id) => [id, new Uint8Array([number])]);
      await write(...version(0));
      const seen: string[] = [];
      const writing = (async () => {
        for (let number = 1; number <= 30; number += 1) await engine.write([batchOf(version(number))]);
      })();
      const reading = (async () => {
        for (let round = 0; round < 60; round += 1) {
          const entries = await engine.range({ ...EVERYTHING, reverse: round % 2 === 1 });
          seen.push(`${entries.length} entries of ${new Set(entries.map(([, value]) => value[0])).size} versions`);
        }
      })();
      await host.settled(Promise.all([writing, reading]));
      expect(new Set(seen)).toEqual(new Set(["300 entries of 1 versions"]));
    });

    test.each([1, 2, 3])("random changes and reads agree with a sorted list, seed %i", async (seed) => {
      const random = new SeededRandom(seed);
      const randomKey = (): Uint8Array => random.bytes(1 + random.below(2)).map((byte) => byte & 0x1f);
      let model = new Map<string, Uint8Array>();
      for (let round = 0; round < 60; round += 1) {
        const changes: Change[] = [];
        for (let count = random.below(80); count > 0; count -= 1) {
          changes.push([randomKey(), random.chance(0.3) ? null : random.bytes(random.below(40))]);
        }
        for (const [id, value] of changes) {
          if (value === null) model.delete(hex(id));
          else model.set(hex(id), value);
        }
        model = new Map([...model].sort(([one], [other]) => (one < other ? -1 : 1)));
        await write(...changes);
        const wanted = { from: randomKey(), to: randomKey(), reverse: random.chance(0.5), limit: random.below(200) };
        const expected = [...model].filter(([id]) => id >= hex(wanted.from) && id < hex(wanted.to));
        if (wanted.reverse) expected.reverse();
        const found = (await range(wanted)).map(([id, value]) => [hex(id), hex(value)]);
        expect(found).toEqual(expected.slice(0, wanted.limit).map(([id, value]) => [id, hex(value)]));
        if (round % 20 === 19) await reopen();
      }
      const all = (await range({})).map(([id, value]) => [hex(id), hex(value)]);
      expect(all).toEqual([...model].map(([id, value]) => [id, hex(value)]));
    });

    test("a range of 5,000 entries comes whole", async () => {
      const ids = Array.from({ length: 5_000 }, (_, index) => new Uint8Array([index >> 8, index]));
      await write(...ids.map((id): Change => [id, text("some value")]));
      expect((await range({})).map(([id]) => hex(id))).toEqual(ids.map(hex));
      expect((await range({ reverse: true, limit: 4_999 })).map(([id]) => hex(id))).toEqual(
        ids.toReversed().slice(0, 4_999).map(hex),
      );
    });

    test("one directory is opened once: the second opening is refused as locked until the first is closed", async () => {
      const second = await host.settled(host.open().catch((error: unknown) => error));
      expect(second).toBeInstanceOf(StoreOpenError);
      expect(second).toMatchObject({ code: "locked" });
      await write([key("a"), text("1")]);
      await reopen();
      expect(plain(engine.get(key("a")))).toEqual(text("1"));
    });

    test("closing waits for the write under way, and twice is harmless; nothing can be written afterwards", async () => {
      const written = engine.write([batchOf([[key("a"), text("1")]])]);
      await host.settled(Promise.all([written, engine.close(), engine.close()]));
      await host.settled(engine.close());
      await expect(host.settled(engine.write([batchOf([[key("b"), text("2")]])]))).rejects.toThrow();
      await expect(host.settled(engine.range(EVERYTHING))).rejects.toThrow();
      await expect(host.settled(engine.getMany([key("a")]))).rejects.toThrow();
      expect(() => engine.get(key("a"))).toThrow();
      engine = await host.settled(host.open());
      expect(shown(await range({}))).toEqual(["a=1"]);
    });
  });

  describe(`engine ${name} on a disk that fails`, () => {
    const { createFailingHost } = options;
    if (typeof createFailingHost === "string") {
      test.skip(`skipped: ${createFailingHost}`, () => undefined);
      return;
    }

    test("a failed write leaves a dead engine that still reads; reopened, it holds exactly what was acknowledged, perhaps with the failed one", async () => {
      const host = await createFailingHost();
      try {
        let engine = await host.settled(host.open());
        await host.settled(engine.write([batchOf([[key("kept"), text("1")]])]));
        await host.breakDisk();
        const failing = batchOf([
          [key("lost 1"), new SeededRandom(1).bytes(1024 * 1024)],
          [key("lost 2"), new SeededRandom(2).bytes(1024 * 1024)],
        ]);
        await expect(host.settled(engine.write([failing]))).rejects.toThrow();
        await host.repairDisk();
        await expect(host.settled(engine.write([batchOf([[key("later"), text("2")]])]))).rejects.toThrow(
          "engine is dead",
        );
        expect(plain(engine.get(key("kept")))).toEqual(text("1"));
        expect((await host.settled(engine.range(EVERYTHING))).length).toBe(1);
        await host.settled(engine.close());

        engine = await host.settled(host.open());
        const found = (await host.settled(engine.range(EVERYTHING))).map(([id]) => String.fromCharCode(...id));
        expect([["kept"], ["kept", "lost 1", "lost 2"]]).toContainEqual(found);
        await host.settled(engine.write([batchOf([[key("later"), text("2")]])]));
        expect(plain(engine.get(key("later")))).toEqual(text("2"));
      } finally {
        await host.dispose();
      }
    });

    test("a full disk refuses to be opened for no lack of permission, and opens when there is space again", async () => {
      const host = await createFailingHost();
      try {
        await host.breakDisk();
        const refused = await host.settled(host.open().catch((error: unknown) => error));
        expect(refused).toBeInstanceOf(StoreOpenError);
        expect(refused).toMatchObject({ code: "unreadable" });
        await host.repairDisk();
        const engine = await host.settled(host.open());
        await host.settled(engine.write([batchOf([[key("a"), text("1")]])]));
        expect(plain(engine.get(key("a")))).toEqual(text("1"));
      } finally {
        await host.dispose();
      }
    });
  });
}

function batchOf(changes: readonly Change[]): Batch {
  const batch = createBatch(0);
  for (const [id, value] of changes) {
    batch.keys.push(id);
    batch.values.push(value);
  }
  return batch;
}

function key(id: string): Uint8Array {
  return text(id);
}

function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

/** Engines may hand out Node's Buffer, which is a Uint8Array that compares as another kind of object. */
function plain(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function shown(entries: readonly Entry[]): string[] {
  const decoder = new TextDecoder();
  return entries.map(([id, value]) => `${decoder.decode(id)}=${decoder.decode(value)}`);
}

function sameBytes(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}
