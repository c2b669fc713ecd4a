/** The server as a library: what a program that embeds it needs. */
export { type ConfigSources, defaultConfig, formatConfigError, type LoadedConfig, loadConfig } from "./config/load.ts";
export type { Config } from "./config/schema.ts";
export { createLog, type Log, type LogOptions, silentLog } from "./observe/log.ts";
export { createServer, type Server, type ServerAddresses, type ServerOptions } from "./server.ts";
export { StoreOpenError } from "./store/engine.ts";
export { createRealWorld, type RealWorldOptions } from "./world/real/real-world.ts";
export type { World } from "./world/world.ts";
