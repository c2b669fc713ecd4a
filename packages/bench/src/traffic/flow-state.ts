/** A flow in a generator: its streams, and what was counted since the last mark. */
import { Latencies } from "../latencies.ts";
import type { Flow } from "../scenario/scenario.ts";
import { OpenLoop } from "./open-loop.ts";
import { PayloadChoice } from "./payload-choice.ts";
import type { Stream } from "./stream.ts";

export interface FlowWindow {
  readonly acknowledged: number;
  readonly delivered: number;
  readonly refused: number;
  /** Open loop: not sent because the line was full. */
  readonly shed: number;
}

export class FlowState {
  readonly flow: Flow;
  readonly choice: PayloadChoice;
  readonly streams: Stream[] = [];
  readonly ackLatencies: Latencies = new Latencies();
  readonly deliveryLatencies: Latencies = new Latencies();
  readonly openLoop: OpenLoop | undefined;
  acknowledged = 0;
  delivered = 0;
  refused = 0;
  shed = 0;
  /** Whose turn it is in the open loop. */
  next = 0;
  window: FlowWindow | undefined;

  /** `share`: of the flow's streams, 0 to 1. */
  constructor(flow: Flow, share: number) {
    this.flow = flow;
    this.choice = new PayloadChoice(flow.payload);
    this.openLoop = flow.perSecond > 0 && share > 0 ? new OpenLoop(flow.perSecond * share) : undefined;
  }

  reset(): void {
    this.ackLatencies.reset();
    this.deliveryLatencies.reset();
    this.acknowledged = this.delivered = this.refused = this.shed = 0;
  }

  counts(): FlowWindow {
    return { acknowledged: this.acknowledged, delivered: this.delivered, refused: this.refused, shed: this.shed };
  }
}
