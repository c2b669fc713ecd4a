/** Who there is, who is online, and what was missed. A real back end has users with passwords, and push tokens. */
import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { textOf } from "./chat-server.js";

const TOWN = "town";

export function createPeople(chatServer) {
  const people = new Map();

  return {
    openGroup: (bot) => chatServer.addMembers(TOWN, [bot]),

    /** Answers what the client needs to connect. */
    async login(request) {
      const uid = request?.uid;
      if (typeof uid !== "string" || !/^[a-z0-9]{1,40}$/.test(uid)) throw new SyntaxError("uid: letters and digits");
      const token = randomBytes(16).toString("hex");
      await chatServer.setToken(uid, token);
      await chatServer.addMembers(TOWN, [uid]);
      const { ws_addr: address } = await chatServer.route();
      if (!people.has(uid)) people.set(uid, { uid, isOnline: false, missed: [] });
      return { uid, token, address, group: TOWN };
    },

    list: () => [...people.values()],

    /** A message for people who have no main device online: here one would push to their phones. */
    missed(message) {
      const text = textOf(message);
      if (text === undefined) return;
      for (const uid of receiversOf(message)) {
        console.log(`push to ${uid}: ${message.from_uid} writes "${text}"`);
        people.get(uid)?.missed.push(text);
      }
    },

    /** Each is `uid-device-online-connection-onlineOfThisDevice-onlineOfAll`. A uid may have dashes itself. */
    changedStatus(changes) {
      for (const change of changes) {
        const parts = change.split("-");
        const person = people.get(parts.slice(0, -5).join("-"));
        if (person !== undefined) person.isOnline = Number(parts.at(-1)) > 0;
      }
    },
  };
}

/** Packed when they are more than the server's `channel.subscriberCompressOfCount`, if that is set. */
function receiversOf({ compress, compress_to_uids: packed, to_uids: uids }) {
  return compress === "gzip" ? JSON.parse(gunzipSync(Buffer.from(packed, "base64"))) : uids;
}
