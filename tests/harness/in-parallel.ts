/** Work on many things, a bounded number at the same time. */

/** Every item, at most `atOnce` of them at the same time. What fails is told at the end: all names, the first few causes. */
export async function inParallel<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < items.length; index = next++) {
      try {
        await work(items[index] as Item, index);
      } catch (error) {
        failures.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failures.length > 0) {
    throw new Error(`${failures.length} of ${items.length} failed:\n${failures.slice(0, TOLD_MAX).join("\n")}`);
  }
}

const TOLD_MAX = 5;
