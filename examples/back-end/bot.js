/** A bot: greets who says hello, in groups and in person. It lives from webhooks and has no connection of its own. */
import { GROUP, NotNow, PERSON, textOf } from "./chat-server.js";

const BOT = "bot";

export function createBot(chatServer) {
  return {
    uid: BOT,

    /** A system account, so that it may write to everyone. */
    introduce: () => chatServer.addSystemAccounts([BOT]),

    /**
     * For the messages of one `msg.notify`. Rejects when an answer could not be stored: then the webhook fails and comes
     * again. The number of an answer is made from the id of the message, so those that were answered are not twice.
     */
    async answer(messages) {
      for (const message of messages) {
        const to = placeOf(message);
        if (to !== undefined && /^hello\b/i.test(textOf(message) ?? "")) await greet(message, to);
      }
    },
  };

  async function greet({ from_uid: from, message_idstr: id }, to) {
    try {
      // `message_id` is a number greater than JavaScript can count; `message_idstr` is exact.
      const { reason } = await chatServer.sendText(BOT, to, `Hello ${from}!`, `answer-to-${id}`);
      if (reason !== 1) console.log(`no answer to ${from}: reason ${reason}`);
    } catch (error) {
      if (error instanceof NotNow) throw error;
      // What is wrong now is wrong next time too, and may not hold up the messages behind it.
      console.error(error);
    }
  }
}

/** Where an answer belongs; undefined when the message is none for the bot. */
function placeOf(message) {
  const { header, from_uid: from, channel_id: id, channel_type: type } = message;
  // Its own words, those of the system, and commands.
  if (from === BOT || from === "" || header.sync_once === 1) return undefined;
  if (type === GROUP) return { type, id };
  // In a person chat `channel_id` is the receiver.
  return type === PERSON && id === BOT ? { type, id: from } : undefined;
}
