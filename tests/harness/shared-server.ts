/**
 * One server process for all tests of a file. Tests stay apart by unique ids. A test in which the server ends fails,
 * and whatever fails shows what the server printed.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFailed } from "vitest";
import { type ServerOptions, ServerProcess } from "./server-process.ts";

export interface SharedServer {
  readonly current: ServerProcess;
}

export function sharedServer(options: ServerOptions = {}): SharedServer {
  const held: { server?: ServerProcess } = {};
  beforeAll(async () => {
    held.server = await ServerProcess.start(options);
  });
  beforeEach(() => {
    onTestFailed(() => {
      console.error(held.server?.outputTail());
    });
  });
  afterEach(() => {
    expect(held.server?.exited, "the server process still runs").toBeUndefined();
  });
  afterAll(async () => {
    await held.server?.dispose();
  });
  return {
    get current(): ServerProcess {
      if (held.server === undefined) throw new Error("the server was not started");
      return held.server;
    },
  };
}
