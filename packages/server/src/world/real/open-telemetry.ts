/**
 * Spans to an OpenTelemetry collector, as the standard OTEL_* variables say. The packages are no dependencies of the
 * server: who wants traces installs them beside it. Nothing is loaded when the variables ask for nothing.
 */
import type { Span as ApiSpan, Attributes } from "@opentelemetry/api";
import type { Span, Spans } from "../../observe/message-spans.ts";

type OtelEnvironment = Readonly<Record<string, string | undefined>>;

interface Tracing {
  readonly spans: Spans;
  /** Sends what waits, within seconds. Never rejects: a collector that is away is no reason not to stop. */
  stop(): Promise<void>;
}

const SERVICE_NAME = "wukongim";
/** More than the server waits at its end is of no use. */
const EXPORT_MS_MAX = 2_000;

const PACKAGES: readonly string[] = [
  "@opentelemetry/api",
  "@opentelemetry/sdk-trace",
  "@opentelemetry/resources",
  "@opentelemetry/exporter-trace-otlp-proto",
];

/** Whether the environment asks for traces. */
function wantsTraces(env: OtelEnvironment): boolean {
  if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true") return false;
  const exporter = env["OTEL_TRACES_EXPORTER"];
  if (exporter !== undefined && exporter !== "") return exporter === "otlp";
  return Boolean(env["OTEL_EXPORTER_OTLP_ENDPOINT"] || env["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]);
}

/** undefined: none are wanted. Rejects with a readable message when packages are missing or a variable makes no sense. */
export async function startTracing(env: OtelEnvironment): Promise<Tracing | undefined> {
  if (!wantsTraces(env)) return undefined;
  const protocol = env["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] || env["OTEL_EXPORTER_OTLP_PROTOCOL"] || "http/protobuf";
  if (protocol !== "http/protobuf")
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL is ${protocol}; traces are sent as http/protobuf only`);
  const ratio = ratioOf(env);
  const { api, sdk, resources, exporter } = await packages();
  const resource = resources
    .defaultResource()
    .merge(resources.resourceFromAttributes({ "service.name": SERVICE_NAME }))
    .merge(resources.detectResources({ detectors: [resources.envDetector, resources.serviceNameEnvDetector] }));
  const provider = new sdk.TracerProvider({
    resource,
    sampler: new sdk.TraceIdRatioBasedSampler(ratio),
    spanProcessors: [
      new sdk.BatchSpanProcessor({ exporter: new exporter.OTLPTraceExporter(), exportTimeoutMillis: EXPORT_MS_MAX }),
    ],
  });
  const tracer = provider.getTracer(SERVICE_NAME);
  /** A span of ours and theirs belong together; a child needs its parent's. */
  const inner = new WeakMap<Span, ApiSpan>();
  return {
    spans: {
      begin(name, attributes, parent) {
        const above = parent && inner.get(parent);
        const context = above === undefined ? api.ROOT_CONTEXT : api.trace.setSpan(api.ROOT_CONTEXT, above);
        const span = tracer.startSpan(name, { attributes: { ...attributes } satisfies Attributes }, context);
        // Children are sampled as their parent was.
        if (!span.isRecording()) return undefined;
        const ours: Span = {
          end(more) {
            if (more !== undefined) span.setAttributes({ ...more });
            span.end();
          },
        };
        inner.set(ours, span);
        return ours;
      },
    },
    stop: () => provider.shutdown().catch(() => undefined),
  };
}

/** OTEL_TRACES_SAMPLER; nobody hands us a parent, so `parentbased_…` is what it says for a root. */
function ratioOf(env: OtelEnvironment): number {
  const sampler = (env["OTEL_TRACES_SAMPLER"] || "always_on").replace(/^parentbased_/, "");
  if (sampler === "always_on") return 1;
  if (sampler === "always_off") return 0;
  const ratio = Number(env["OTEL_TRACES_SAMPLER_ARG"] || "1");
  if (sampler === "traceidratio" && ratio >= 0 && ratio <= 1) return ratio;
  throw new Error(`OTEL_TRACES_SAMPLER is ${sampler} with the argument ${ratio}, which is not understood`);
}

async function packages() {
  try {
    const [api, sdk, resources, exporter] = await Promise.all([
      import("@opentelemetry/api"),
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/exporter-trace-otlp-proto"),
    ]);
    return { api, sdk, resources, exporter };
  } catch (error) {
    throw new Error(`traces need these packages beside the server: npm install ${PACKAGES.join(" ")}`, {
      cause: error,
    });
  }
}
