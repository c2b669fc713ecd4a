/**
 * Who is who in a traffic run. Every generator computes the whole of it from the same scenario and takes its share, so
 * nothing but the scenario has to be told to it. A stream is what one sending user writes; it has a number in the whole run.
 */
import type { Flow } from "../scenario/scenario.ts";

export const PERSON = 1;
export const GROUP = 2;

export interface Seat {
  readonly uid: string;
  /** Index into the flows. */
  readonly flow: number;
  /** As a SEND names the channel; of `newPerson` and `persons`, without the receiver's eight digits. */
  readonly channelId: string;
  readonly channelType: number;
  /** The stream it writes, or -1. */
  readonly stream: number;
  /** The streams it may receive. */
  readonly streamBase: number;
  readonly streamCount: number;
  readonly isStalled: boolean;
}

export interface GroupPlan {
  readonly channelId: string;
  readonly members: readonly string[];
}

export interface StreamPlan {
  readonly flow: number;
  /** Connections that should receive each of its messages. */
  readonly receivers: number;
}

export interface Layout {
  /** Of this share. */
  readonly seats: readonly Seat[];
  /** Of the whole run. */
  readonly streams: readonly StreamPlan[];
}

export interface Share {
  readonly index: number;
  readonly count: number;
}

/** `run`: the prefix of all uids and channel ids. */
export function createLayout(run: string, flows: readonly Flow[], share: Share): Layout {
  const seats: Seat[] = [];
  const streams: StreamPlan[] = [];
  for (const [flowIndex, flow] of flows.entries()) {
    const isSpread = flow.channel === "group" && flow.count === 1;
    for (let channel = 0; channel < flow.count; channel++) {
      const streamBase = streams.length;
      const receivers = flow.channel === "person" ? 1 - flow.stalled : flow.senders - 1 + flow.online - flow.stalled;
      for (let sender = 0; sender < flow.senders; sender++) {
        streams.push({
          flow: flowIndex,
          receivers: flow.channel === "group" || flow.channel === "person" ? receivers : 0,
        });
      }
      const mine = (member: number): boolean => (isSpread ? member : channel) % share.count === share.index;
      const at = { run, flow, flowIndex, channel, streamBase };
      for (let sender = 0; sender < flow.senders; sender++) if (mine(sender)) seats.push(senderSeat(at, sender));
      for (let reader = 0; reader < flow.online; reader++) {
        if (mine(flow.senders + reader)) seats.push(readerSeat(at, reader));
      }
    }
  }
  return { seats, streams };
}

/** Groups that must exist before anyone sends. */
export function groupsOf(run: string, flows: readonly Flow[]): readonly GroupPlan[] {
  const groups: GroupPlan[] = [];
  for (const [flowIndex, flow] of flows.entries()) {
    if (flow.channel !== "group") continue;
    for (let channel = 0; channel < flow.count; channel++) {
      const prefix = prefixOf(run, flowIndex, channel);
      const members: string[] = [];
      for (let sender = 0; sender < flow.senders; sender++) members.push(`${prefix}s${sender}`);
      for (let reader = 0; reader < flow.online; reader++) members.push(`${prefix}r${reader}`);
      for (let index = 0; members.length < flow.members; index++) members.push(`${prefix}m${index}`);
      groups.push({ channelId: `${prefix}g`, members });
    }
  }
  return groups;
}

interface Place {
  readonly run: string;
  readonly flow: Flow;
  readonly flowIndex: number;
  readonly channel: number;
  readonly streamBase: number;
}

function prefixOf(run: string, flowIndex: number, channel: number): string {
  return `${run}${String.fromCharCode(0x61 + flowIndex)}${channel}`;
}

function senderSeat(at: Place, sender: number): Seat {
  const prefix = prefixOf(at.run, at.flowIndex, at.channel);
  const channelIds = { person: `${prefix}r0`, group: `${prefix}g`, newPerson: `${prefix}n`, persons: `${prefix}p` };
  return {
    uid: `${prefix}s${sender}`,
    flow: at.flowIndex,
    channelId: channelIds[at.flow.channel],
    channelType: at.flow.channel === "group" ? GROUP : PERSON,
    stream: at.streamBase + sender,
    streamBase: at.streamBase,
    streamCount: at.flow.senders,
    isStalled: false,
  };
}

function readerSeat(at: Place, reader: number): Seat {
  const sender = senderSeat(at, 0);
  const uid = `${prefixOf(at.run, at.flowIndex, at.channel)}r${reader}`;
  return { ...sender, uid, stream: -1, isStalled: reader >= at.flow.online - at.flow.stalled };
}
