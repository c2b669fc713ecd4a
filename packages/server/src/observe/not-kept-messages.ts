/**
 * The last messages that were not to be kept (NoPersist), without their payloads: nothing else remembers that there were
 * such. In memory only, as the messages themselves. The places are made once, so noting one allocates nothing.
 */
import type { ChannelKey, LogName, MessageId, StoredMessage } from "../messaging/message.ts";

export type NotKeptMessage = Pick<
  StoredMessage,
  "id" | "channel" | "log" | "fromUid" | "clientMsgNo" | "timeSeconds" | "session" | "receivers"
>;

interface Place {
  id: MessageId;
  channel: ChannelKey;
  log: LogName;
  fromUid: string;
  clientMsgNo: string;
  timeSeconds: number;
  session: number;
  receivers: readonly string[] | undefined;
}

/** A longer list is not kept: who was on it is not known later. */
const RECEIVERS_MAX = 64;

export class NotKeptMessages {
  readonly #countMax: number;
  readonly #places: Place[] = [];
  #next = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  note(message: StoredMessage): void {
    let place = this.#places[this.#next];
    if (place === undefined) {
      place = { ...NOWHERE };
      this.#places.push(place);
    }
    place.id = message.id;
    place.channel = message.channel;
    place.log = message.log;
    place.fromUid = message.fromUid;
    place.clientMsgNo = message.clientMsgNo;
    place.timeSeconds = message.timeSeconds;
    place.session = message.session;
    place.receivers = (message.receivers?.length ?? 0) > RECEIVERS_MAX ? [] : message.receivers;
    this.#next = (this.#next + 1) % this.#countMax;
  }

  byId(id: MessageId): NotKeptMessage | undefined {
    return this.#find((place) => place.id.high === id.high && place.id.low === id.low);
  }

  /** The last one with this number; an empty `fromUid`: of any sender. */
  byNumber(channel: ChannelKey, clientMsgNo: string, fromUid: string): NotKeptMessage | undefined {
    return this.#find(
      (place) =>
        place.clientMsgNo === clientMsgNo &&
        (fromUid === "" || place.fromUid === fromUid) &&
        place.channel.type === channel.type &&
        place.channel.id === channel.id,
    );
  }

  #find(isMeant: (place: Place) => boolean): NotKeptMessage | undefined {
    for (let back = 1; back <= this.#places.length; back++) {
      const place = this.#places[(this.#next - back + this.#places.length) % this.#places.length];
      if (place !== undefined && isMeant(place)) return toMessage(place);
    }
    return undefined;
  }
}

const NOWHERE: Place = {
  id: { high: 0, low: 0 },
  channel: { type: 0, id: "" },
  log: "chat",
  fromUid: "",
  clientMsgNo: "",
  timeSeconds: 0,
  session: 0,
  receivers: undefined,
};

function toMessage({ receivers, ...place }: Place): NotKeptMessage {
  return receivers === undefined ? place : { ...place, receivers };
}
