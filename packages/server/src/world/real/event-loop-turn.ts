/** Resolves when every promise that can settle now has settled. The simulation's virtual time stands still meanwhile. */
export function eventLoopTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
