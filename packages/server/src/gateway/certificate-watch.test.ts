import { expect, test } from "vitest";
import { BadCertificate, type TlsCertificate } from "../world/world.ts";
import { CertificateWatch, readCertificate } from "./certificate-watch.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Files that a test changes, looks that it triggers, and what the listeners and the log were told. */
async function watched() {
  const files = new Map([
    ["c.pem", "c1"],
    ["k.pem", "k1"],
  ]);
  const read = (path: string): Promise<Uint8Array | undefined> => {
    const text = files.get(path);
    return text === "unreadable"
      ? Promise.reject(new Error("EACCES"))
      : Promise.resolve(text === undefined ? undefined : bytes(text));
  };
  const told: string[] = [];
  const waiting = new Set<() => void>();
  const timers = {
    after: (_delayMs: number, run: () => void) => {
      waiting.add(run);
      return { cancel: () => void waiting.delete(run) };
    },
  };
  const replace = ({ certificate, key }: TlsCertificate): void => {
    const pair = `${new TextDecoder().decode(certificate)}+${new TextDecoder().decode(key)}`;
    if (pair[1] !== pair.at(-1)) throw new BadCertificate(`${pair} do not match`);
    told.push(`uses ${pair}`);
  };
  const log = {
    replaced: (source: string): void => void told.push(`replaced ${source}`),
    refused: (because: string): void => void told.push(`refused: ${because}`),
  };
  const current = await readCertificate({ read }, "c.pem", "k.pem");
  const deps = { files: { read }, timers, certFile: "c.pem", keyFile: "k.pem", replace, log };
  const watch = new CertificateWatch(deps, current);
  const look = async (count = 1): Promise<void> => {
    for (let round = 0; round < count; round++) {
      const due = [...waiting];
      waiting.clear();
      for (const run of due) run();
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { files, told, look, watch, waiting };
}

test("a new pair is used once it stood still for a look", async () => {
  const { files, told, look } = await watched();
  await look(3);
  expect(told).toEqual([]);
  files.set("c.pem", "c2");
  await look();
  files.set("k.pem", "k2");
  await look();
  expect(told).toEqual([]);
  await look();
  expect(told).toEqual(["uses c2+k2", "replaced c.pem and k.pem"]);
  await look(3);
  expect(told.length).toBe(2);
});

test.each([
  ["does not fit its key", "c2", "refused: c2+k1 do not match"],
  ["cannot be read", "unreadable", "refused: c.pem: cannot be read: EACCES"],
  ["is gone", undefined, "refused: c.pem: no such file"],
])("a certificate that %s is refused once, and a good one is taken after it", async (_name, text, line) => {
  const { files, told, look } = await watched();
  if (text === undefined) files.delete("c.pem");
  else files.set("c.pem", text);
  await look(5);
  expect(told).toEqual([line]);
  files.set("c.pem", "c3");
  files.set("k.pem", "k3");
  await look(2);
  expect(told.slice(1)).toEqual(["uses c3+k3", "replaced c.pem and k.pem"]);
});

test("after stop nobody looks any more, also when it comes during a look", async () => {
  const { files, told, look, watch, waiting } = await watched();
  files.set("c.pem", "c2");
  files.set("k.pem", "k2");
  await look();
  const last = look();
  watch.stop();
  await last;
  expect(waiting.size).toBe(0);
  expect(told).toEqual([]);
});
