/** What the coordinator can ask a generator process to do. Each is a call with one argument and one answer. */

import type { StreamEnd } from "../traffic/delivery-ledger.ts";
import type { TrafficPlan, TrafficResult } from "../traffic/traffic-run.ts";
import type { ConversationSyncPlan } from "../work/conversation-sync-load.ts";
import type { HttpLoadResult } from "../work/http-load.ts";
import type { HttpSendPlan } from "../work/http-send-load.ts";
import type { IdlePlan } from "../work/idle-load.ts";
import type { LoginPlan, LoginResult } from "../work/login-load.ts";
import type { GeneratorUsage } from "./generator-usage.ts";

export interface Progress {
  readonly acknowledged: number;
  readonly delivered: number;
}

export interface GeneratorCalls {
  trafficPrepare(plan: TrafficPlan): Promise<void>;
  trafficStart(): void;
  /** What is measured begins: counts and latencies from before are forgotten. */
  trafficMark(): void;
  trafficProgress(): Progress;
  /** What is measured ends. */
  trafficFinishWindow(): GeneratorUsage;
  trafficDrain(withinMs: number): Promise<readonly StreamEnd[]>;
  trafficSettle(argument: { ends: readonly StreamEnd[]; quietMs: number }): Promise<TrafficResult>;
  logins(plan: LoginPlan): Promise<LoginResult>;
  idleOpen(plan: IdlePlan): Promise<void>;
  idleClose(): void;
  httpSend(plan: HttpSendPlan): Promise<HttpLoadResult>;
  conversationFill(plan: ConversationSyncPlan): Promise<void>;
  conversationSync(plan: ConversationSyncPlan): Promise<HttpLoadResult>;
}

export interface CallMessage {
  readonly id: number;
  readonly method: keyof GeneratorCalls;
  readonly argument: unknown;
}

export interface AnswerMessage {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}
