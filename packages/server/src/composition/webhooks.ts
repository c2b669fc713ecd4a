/** What the back end is told of: webhooks, with what they have laid aside. */
import { webhooksOptions } from "../config/webhooks-options.ts";
import { DeadLetters } from "../hooks/dead-letters.ts";
import { Webhooks } from "../hooks/webhooks.ts";
import type { Domain } from "./domain.ts";
import type { Foundation } from "./foundation.ts";

export async function startWebhooks({ config, world, log, store }: Foundation, { ids }: Domain): Promise<Webhooks> {
  const { limits } = config;
  return Webhooks.start({
    world,
    feed: store.feed,
    deadLetters: await DeadLetters.load({
      store,
      clock: world.clock,
      ids,
      options: { countMax: limits.webhookDeadLettersMax, bytesMax: limits.webhookDeadLettersBytesMax },
    }),
    log,
    options: webhooksOptions(config),
  });
}
