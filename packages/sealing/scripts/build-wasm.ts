/**
 * Compiles `assembly/` and writes `src/seal-wasm.ts`, which is committed: users never run the compiler.
 * `--print` writes it to the output instead.
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";

const FLAGS = [
  "--optimizeLevel=3",
  "--shrinkLevel=0",
  "--converge",
  "--noAssert",
  "--runtime=stub",
  "--enable=simd",
  "--enable=relaxed-simd",
  "--initialMemory=32",
];

const text = moduleText(await compile());
if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(new URL("../src/seal-wasm.ts", import.meta.url), text);

/** The bytes of the module. */
async function compile(): Promise<Uint8Array> {
  const baseDir = fileURLToPath(new URL("../assembly", import.meta.url));
  const files = new Map<string, Uint8Array | string>();
  const { error } = await asc.main(["index.ts", `--baseDir=${baseDir}`, "--outFile=seal.wasm", ...FLAGS], {
    stderr: process.stderr,
    writeFile: (name: string, contents: Uint8Array | string) => {
      files.set(name, contents);
    },
  });
  const bytes = files.get("seal.wasm");
  if (error !== null || bytes === undefined || typeof bytes === "string") {
    throw new Error("assembly/ does not compile", { cause: error });
  }
  return bytes;
}

/** The module as source, so that it goes wherever the sources go: no file to find at run time. */
function moduleText(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes)
    .toString("base64")
    .match(/.{1,110}/g)!;
  return `/** Generated from \`assembly/\` by \`npm run build:wasm\`: the WebAssembly module, as base64. Do not edit. */
export const SEAL_WASM: string = [
${lines.map((line) => `  "${line}",`).join("\n")}
].join("");
`;
}
