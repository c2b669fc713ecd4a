/** POST /message/send from persons to persons. */
import type { GeneratorUsageMeter } from "../generator/generator-usage.ts";
import { HttpCaller } from "../server/http-caller.ts";
import type { HostPort } from "../server/target.ts";
import { payloadOf } from "../traffic/payload-choice.ts";
import { type HttpLoadResult, loadHttp } from "./http-load.ts";

export interface HttpSendPlan {
  readonly run: string;
  readonly http: HostPort;
  readonly channels: number;
  readonly concurrency: number;
  readonly payloadBytes: number;
  readonly seconds: number;
}

export function loadHttpSends(plan: HttpSendPlan, meter: GeneratorUsageMeter): Promise<HttpLoadResult> {
  const caller = new HttpCaller(plan.http, plan.concurrency);
  const bodies = Array.from({ length: plan.channels }, (_, channel) =>
    Buffer.from(
      JSON.stringify({
        header: { red_dot: 1 },
        from_uid: `${plan.run}s${channel}`,
        channel_id: `${plan.run}r${channel}`,
        channel_type: 1,
        payload: Buffer.from(payloadOf(plan.payloadBytes, channel)).toString("base64"),
      }),
    ),
  );
  return loadHttp({
    concurrency: plan.concurrency,
    seconds: plan.seconds,
    meter,
    call: (n) => caller.post("/message/send", bodies[n % bodies.length]!),
  }).finally(() => caller.close());
}
