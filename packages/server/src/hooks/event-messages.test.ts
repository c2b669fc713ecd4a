import { describe, expect, test } from "vitest";
import { encodeEventRequest, isSuccess } from "./event-messages.ts";

describe("an EventReq", () => {
  test("has the name and the data as protobuf writes them", () => {
    expect(Buffer.from(encodeEventRequest("msg.notify", Buffer.from("[]"))).toString("hex")).toBe(
      `0a0a${Buffer.from("msg.notify").toString("hex")}12025b5d`,
    );
  });

  test("of a long body has a length in several bytes", () => {
    const bytes = encodeEventRequest("a", new Uint8Array(300));
    expect(Buffer.from(bytes.subarray(0, 6)).toString("hex")).toBe("0a016112ac02");
    expect(bytes.length).toBe(306);
  });
});

describe("an EventResp", () => {
  const success = (hex: string): boolean => isSuccess(Buffer.from(hex, "hex"));

  test("is success with status 1 only; nothing at all is Error", () => {
    expect(success("0801")).toBe(true);
    expect(success("")).toBe(false);
    expect(success("0800")).toBe(false);
    expect(success("0802")).toBe(false);
  });

  test("may have data and fields of later versions, in any order", () => {
    expect(success("12036f6b790801")).toBe(true);
    expect(success("0801120568656c6c6f")).toBe(true);
    expect(success("1801" + "210102030405060708" + "2d01020304" + "0801")).toBe(true);
    expect(success("08010800")).toBe(false);
  });

  test.each(["08", "1205", "12ff", "0b", "0f", "21010203", `08${"ff".repeat(12)}`])(
    "that ends early or is none: %s",
    (hex) => {
      expect(() => success(hex)).toThrow("no protobuf message");
    },
  );
});
