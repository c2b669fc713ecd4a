#!/usr/bin/env node
/**
 * The program `wukongim`. Plain JavaScript that old Node versions can read, so that they get an answer and not a
 * syntax error. Everything that must happen before the server's first import happens here.
 */
import { existsSync } from "node:fs";
import module from "node:module";
import { setFlagsFromString } from "node:v8";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`wukongim needs Node 22.19 or newer; this is Node ${process.versions.node}\n`);
  process.exit(1);
}

// Synced writes, file reads and DNS share libuv's pool, which has 4 threads unless told otherwise before its first use.
process.env.UV_THREADPOOL_SIZE ??= "16";

// What is in flight lives for a few collections and dies. V8 sometimes takes that for a sign that it will live long and
// from then on makes such objects where only a full collection finds them: a fifth more CPU and two fifths more memory,
// or not, by chance of the first seconds.
setFlagsFromString("--no-allocation-site-pretenuring");

// A checkout runs its sources: what `tsc -b` left in dist may be older. An installed package has no sources that Node
// would run (it strips types outside node_modules only), so there it is dist.
const sources = new URL("../src/main.ts", import.meta.url);
if (!import.meta.url.includes("/node_modules/") && existsSync(sources)) {
  module.registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith("@wukong-ts/")
        ? next(specifier, { ...context, conditions: [...context.conditions, "source"] })
        : next(specifier, context),
  });
  await import(sources.href);
} else {
  await import("../dist/main.js");
}
