/** The little that is used of WebAssembly: TypeScript describes it only together with all of a browser. */

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export interface WasmNumber {
  readonly value: number;
}

/** Opaque. */
export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

interface WebAssembly {
  validate(bytes: Uint8Array): boolean;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule) => { readonly exports: unknown };
}

/** undefined where it is switched off (--jitless). */
export const webAssembly: WebAssembly | undefined = (globalThis as { WebAssembly?: WebAssembly }).WebAssembly;
