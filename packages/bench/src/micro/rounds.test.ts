import { expect, test } from "vitest";
import { measureInRounds } from "./rounds.ts";

function spin(count: number, steps: number): number {
  let value = 1;
  for (let index = 0; index < count * steps; index++) value = Math.imul(value, 31) + index;
  return value;
}

test("every round runs every case, and more work costs more", async () => {
  const order: string[] = [];
  const caseOf = (name: string, steps: number): Parameters<typeof measureInRounds>[0][number] => ({
    name,
    run: (count) => {
      order.push(name);
      return spin(count, steps);
    },
  });
  const results = await measureInRounds([caseOf("little", 10_000), caseOf("much", 100_000)], { rounds: 5, caseMs: 10 });
  expect(results.map((result) => result.name)).toEqual(["little", "much"]);
  expect(results[1]!.medianMicros).toBeGreaterThan(3 * results[0]!.medianMicros);
  expect(order.slice(-10)).toEqual(Array.from({ length: 5 }, () => ["little", "much"]).flat());
});
