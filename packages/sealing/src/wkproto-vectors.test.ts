/** The recorded frames of the original: sealed to its bytes, opened to what was sealed. */
import { readFileSync } from "node:fs";
import { type Frame, FrameDecoder, type Send, sessionKey } from "@wukong-ts/protocol";
import { describe, expect, test } from "vitest";
import { RecvCut } from "./recv-cut.ts";
import { kinds, utf8 } from "./test-kit.ts";

interface Vectors {
  readonly crypto: { readonly sharedSecretHex: string; readonly saltIvAscii: string };
  readonly binary: readonly FrameVector[];
}

interface FrameVector {
  readonly name: string;
  readonly protoVersion: number;
  readonly packet: string;
  readonly hex: string;
  readonly fields: { readonly msgKey?: string; readonly plainPayload?: string };
}

const vectors: Vectors = JSON.parse(
  readFileSync(new URL("../../../tests/vectors/wkproto.json", import.meta.url), "utf8"),
);
const sealed = vectors.binary.filter(({ fields }) => fields.plainPayload !== undefined);
const key = sessionKey(Uint8Array.from(Buffer.from(vectors.crypto.sharedSecretHex, "hex")));
const iv = utf8(vectors.crypto.saltIvAscii);

/** Frames of the odd encoders and of SDKs whose stream bit means something else. */
const UNREADABLE = new Set(["send-v5-setting-stream-go-encoder-bug", "sdk104-v2-send-stream-legacy-bit2"]);
const recvs = sealed.filter(({ packet, fields }) => packet === "RECV" && fields.msgKey !== "");
const sends = sealed.filter(
  ({ name, packet, fields }) => packet === "SEND" && fields.msgKey !== "" && !UNREADABLE.has(name),
);

function decode(of: FrameVector): Frame {
  const decoder = new FrameDecoder({ version: of.protoVersion });
  decoder.push(Uint8Array.from(Buffer.from(of.hex, "hex")));
  return decoder.next()!;
}

function cutOf(of: FrameVector): RecvCut {
  const frame = decode(of);
  if (frame.type !== 5) throw new Error("not a RECV");
  return new RecvCut({ ...frame, payload: utf8(of.fields.plainPayload!) }, { version: of.protoVersion });
}

function sendOf(of: FrameVector): Send {
  const frame = decode(of);
  if (frame.type !== 3) throw new Error("not a SEND");
  return frame;
}

const expectedPlain = (of: FrameVector): Uint8Array | undefined =>
  of.name === "send-v5-encrypted-bad-msgkey" ? undefined : utf8(of.fields.plainPayload!);

test("the sealed frames are many", () => {
  expect(recvs.length).toBe(26);
  expect(sends.length).toBeGreaterThanOrEqual(22);
});

describe.each(kinds)("%s", (_, create) => {
  const sealer = create();
  const slot = sealer.addSession(key, iv);

  test.each(recvs.map((of) => [of.name, of] as const))("RECV %s is sealed to the recorded bytes", (_, of) => {
    const cut = cutOf(of);
    const out = new Uint8Array(cut.frameBytes);
    expect(sealer.seal([cut], [slot], out)).toBe(out.length);
    expect(Buffer.from(out).toString("hex")).toBe(of.hex);
  });

  test("all recorded RECVs in one call become all recorded bytes", () => {
    const cuts = recvs.map(cutOf);
    const expected = recvs.map(({ hex }) => hex).join("");
    const out = new Uint8Array(expected.length / 2);
    sealer.seal(
      cuts,
      cuts.map(() => slot),
      out,
    );
    expect(Buffer.from(out).toString("hex")).toBe(expected);
  });

  test.each(sends.map((of) => [of.name, of] as const))("SEND %s opens if its msgKey is right", (_, of) => {
    expect(sealer.open(sendOf(of), slot)).toEqual(expectedPlain(of));
    expect(sealer.open({ ...sendOf(of), clientSeq: 4_000_000_000 }, slot)).toBeUndefined();
  });

  test("all recorded SENDs open in one call", () => {
    const slots = sends.map(() => slot);
    expect(sealer.openAll(sends.map(sendOf), slots)).toEqual(sends.map(expectedPlain));
  });
});
