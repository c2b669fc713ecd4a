/** GET /explain against what the devices remember: what it says somebody has, he has. */
import { expect } from "vitest";
import { USERS } from "./chats.ts";
import { pick } from "./picks.ts";
import type { Run } from "./run.ts";

interface Explained {
  readonly verdict: string;
  readonly text: string;
  readonly sessions: readonly { readonly device_id: string; readonly state: string }[];
}

const QUESTIONS = 5;
const HAS_IT: ReadonlySet<string> = new Set(["acknowledged", "acknowledged_late"]);

export async function checkExplanations(run: Run): Promise<void> {
  const { random } = run.simulation;
  const known = run.sent.all().filter((each) => each.state === "acknowledged" && each.isPersisted && each.id !== "");
  for (let question = 0; question < QUESTIONS && known.length > 0; question++) {
    const sent = pick(random, known);
    const uid = pick(random, USERS);
    const explained = (await run.backend.mustGet(`/explain?uid=${uid}&message_id=${sent.id}`)) as Explained;
    expect(explained.verdict, `${sent.no} is known`).not.toBe("message_unknown");
    for (const { device_id, state } of explained.sessions) {
      if (!HAS_IT.has(state)) continue;
      const device = run.devices.find((each) => each.uid === uid && each.login.deviceId === device_id);
      expect(device?.hasEverHeard(sent), `${uid} on ${device_id} has ${sent.no}: ${explained.text}`).toBe(true);
    }
  }
}
