/** Choices of the test itself. */
import type { SeededRandom } from "../world/simulated/seeded-random.ts";

export function some<Item>(random: SeededRandom, items: readonly Item[]): Item[] {
  const chosen = items.filter(() => random.chance(0.5));
  return chosen.length > 0 ? chosen : [pick(random, items)];
}

export function pick<Item>(random: SeededRandom, items: readonly Item[]): Item {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
