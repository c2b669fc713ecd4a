/** The package runs where there is no Node: no import of its modules, and every path also without its Buffer. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const sources = readdirSync(new URL(".", import.meta.url), { recursive: true, encoding: "utf8" }).filter(
  (path) => path.endsWith(".ts") && !path.endsWith(".test.ts"),
);

test("no source imports anything but its neighbours", () => {
  expect(sources.length).toBeGreaterThan(40);
  for (const path of sources) {
    const text = readFileSync(new URL(path, import.meta.url), "utf8");
    const imports = [...text.matchAll(/^(?:import|export|\}).*? from "([^"]+)"|\bimport\("([^"]+)"\)/gm)].map(
      (match) => match[1] ?? match[2]!,
    );
    expect(imports.filter((name) => !/^\.\.?\//.test(name))).toEqual([]);
  }
});

test("frames and crypto are the same without Buffer", () => {
  const script = `
    import { readFileSync } from "node:fs";
    const vectors = JSON.parse(readFileSync(process.argv[1], "utf8"));
    delete globalThis.Buffer;
    const protocol = await import(process.argv[2]);
    const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
    const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const utf8 = (text) => new TextEncoder().encode(text);
    const { crypto } = vectors;
    const key = protocol.sessionKey(bytesOf(crypto.sharedSecretHex));
    const cipher = protocol.createSessionCipher(key, utf8(crypto.saltIvAscii));
    let frames = 0;
    let opened = 0;
    for (const { hex, protoVersion } of vectors.binary) {
      const decoder = new protocol.FrameDecoder({ version: protoVersion, allocate: protocol.allocateFromPool });
      decoder.push(bytesOf(hex));
      try {
        const frame = decoder.next();
        if (frame !== undefined && hexOf(protocol.encodeFrame(frame, protoVersion)) === hex) frames++;
        if (frame?.type === 3 && protocol.openSend(frame, cipher) !== undefined) opened++;
      } catch (error) {
        if (!(error instanceof protocol.ProtocolError)) throw error;
      }
    }
    const disconnect = (...text) => {
      const decoder = new protocol.FrameDecoder();
      decoder.push(Uint8Array.of(0x90, 3 + text.length, 12, 0, text.length, ...text));
      try {
        return decoder.next().text;
      } catch (error) {
        return error.code;
      }
    };
    const texts = [disconnect(0xef, 0xbb, 0xbf, 0x61), disconnect(0xff), disconnect(0xef, 0xbf, 0xbd)];
    console.log(JSON.stringify({ texts, frames, opened, base64: protocol.base64FromBytes(key) }));
  `;
  const vectors = new URL("../../../tests/vectors/wkproto.json", import.meta.url).pathname;
  const index = new URL("./index.ts", import.meta.url).href;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script, vectors, index], {
    encoding: "utf8",
  });
  const base64 = Buffer.from("4989ad64ccaf943d").toString("base64");
  expect(JSON.parse(output)).toEqual({ texts: ["\uFEFFa", "invalid_utf8", "\uFFFD"], frames: 158, opened: 23, base64 });
});
