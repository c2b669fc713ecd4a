/** One run of a scenario, whatever its work is. */
import { runCrash } from "./crash-run.ts";
import { runGrowth } from "./growth-run.ts";
import { runConversationSync, runHttpSend } from "./http-run.ts";
import { runIdle } from "./idle-run.ts";
import { runLogins } from "./login-run.ts";
import { runOverload } from "./overload-run.ts";
import { runRestart } from "./restart-run.ts";
import type { RunContext } from "./run-context.ts";
import type { RunResult } from "./run-result.ts";
import { runTraffic } from "./traffic-run.ts";

export function runScenario(context: RunContext): Promise<RunResult> {
  const { work, warmUpSeconds, seconds } = context.scenario;
  switch (work.kind) {
    case "traffic":
      return runTraffic(context, { ...work, warmUpSeconds, seconds });
    case "crash":
      return runCrash(context, work);
    case "overload":
      return runOverload(context, work);
    case "growth":
      return runGrowth(context, work);
    case "restart":
      return runRestart(context, work);
    case "logins":
      return runLogins(context, work);
    case "idle":
      return runIdle(context, work);
    case "httpSend":
      return runHttpSend(context, work);
    case "conversationSync":
      return runConversationSync(context, work);
  }
}
