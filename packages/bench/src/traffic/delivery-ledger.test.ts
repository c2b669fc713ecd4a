import { describe, expect, test } from "vitest";
import { DeliveryLedger, type StreamEnd } from "./delivery-ledger.ts";

const STREAM = 7;

function ends(sent: number, notAcknowledged: readonly number[] = []): ReadonlyMap<number, StreamEnd> {
  return new Map([[STREAM, { stream: STREAM, sent, notAcknowledged }]]);
}

function ledgerWith(numbers: readonly number[]): DeliveryLedger {
  const ledger = new DeliveryLedger();
  const account = ledger.open(STREAM, 1);
  for (const n of numbers) ledger.receive(account, n);
  return ledger;
}

describe("the ledger of deliveries", () => {
  test("everything once and in order is no fault", () => {
    expect(ledgerWith([1, 2, 3]).verdict(ends(3))).toEqual({
      received: 3,
      missing: 0,
      duplicates: 0,
      disorder: 0,
      unacknowledged: 0,
    });
  });

  test("a message that was jumped over is missing", () => {
    expect(ledgerWith([1, 3, 4]).verdict(ends(4)).missing).toBe(1);
  });

  test("messages after the last one that came are missing", () => {
    expect(ledgerWith([1]).verdict(ends(4)).missing).toBe(3);
    expect(ledgerWith([]).verdict(ends(4)).missing).toBe(4);
  });

  test("a message that comes twice is a duplicate and not two deliveries", () => {
    const verdict = ledgerWith([1, 2, 2, 1, 3]).verdict(ends(3));
    expect(verdict).toMatchObject({ received: 3, duplicates: 2, missing: 0, disorder: 0 });
  });

  test("a message that comes behind a later one is disorder and not missing", () => {
    expect(ledgerWith([1, 3, 2]).verdict(ends(3))).toMatchObject({
      received: 3,
      disorder: 1,
      missing: 0,
      duplicates: 0,
    });
  });

  test("a message that comes late and then again is disorder and a duplicate", () => {
    expect(ledgerWith([2, 1, 1]).verdict(ends(2))).toMatchObject({ disorder: 1, duplicates: 1, missing: 0 });
  });

  test("a refused message need not come", () => {
    expect(ledgerWith([1, 3]).verdict(ends(4, [2, 4]))).toMatchObject({ missing: 0, unacknowledged: 0 });
  });

  test("an unanswered message that came all the same is told", () => {
    expect(ledgerWith([1, 2]).verdict(ends(2, [2]))).toMatchObject({ missing: 0, unacknowledged: 1 });
  });

  test("accounts of several streams and connections do not mix", () => {
    const ledger = new DeliveryLedger();
    const accounts = Array.from({ length: 2_000 }, () => ledger.open(STREAM, 2));
    for (const account of accounts) {
      ledger.receive(account, 1);
      ledger.receive(account + 1, 1);
    }
    const both = new Map([
      [STREAM, { stream: STREAM, sent: 1, notAcknowledged: [] }],
      [STREAM + 1, { stream: STREAM + 1, sent: 1, notAcknowledged: [] }],
    ]);
    expect(ledger.verdict(both)).toMatchObject({ received: 4_000, missing: 0, duplicates: 0, disorder: 0 });
  });

  test("nobody is to receive what he sent himself", () => {
    const ledger = new DeliveryLedger();
    ledger.open(STREAM, 1, STREAM);
    expect(ledger.verdict(ends(5)).missing).toBe(0);
  });
});
