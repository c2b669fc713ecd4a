/** The library form: a server in the test's own process, on free ports and real sockets, in a world that the test may bend. */
import { type Config, createRealWorld, createServer, defaultConfig, silentLog, type World } from "@wukong-ts/server";
import { HttpClient } from "./http-client.ts";
import { workerSettings } from "./limits.ts";

export type Engine = Awaited<ReturnType<World["openEngine"]>>;
export interface EmbeddedServer extends AsyncDisposable {
  readonly tcpPort: number;
  readonly http: HttpClient;
}

export async function startEmbedded(
  dataDir: string,
  bend: (world: World) => World = (world) => world,
  settings: Partial<Config> = {},
): Promise<EmbeddedServer> {
  const server = createServer({
    config: {
      ...defaultConfig(),
      manager: { on: false, addr: null },
      dataDir,
      addr: { host: "127.0.0.1", port: 0 },
      wsAddr: null,
      httpAddr: { host: "127.0.0.1", port: 0 },
      gateway: { workers: workerSettings()["gateway.workers"] ?? 0 },
      ...settings,
    },
    world: bend(createRealWorld()),
    log: silentLog,
  });
  await server.start();
  const { tcpPort, httpPort } = server.addresses;
  const http = new HttpClient(httpPort!);
  return {
    tcpPort: tcpPort!,
    http,
    async [Symbol.asyncDispose]() {
      http.dropConnections();
      await server.stop();
    },
  };
}

/** The same world, its engines seen through `wrap`: the first one and each that is opened after a failure. */
export function withEngine(world: World, wrap: (engine: Engine) => Engine): World {
  return { ...world, openEngine: async (directory) => wrap(await world.openEngine(directory)) };
}
