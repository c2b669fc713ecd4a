/** The few calls of the chat server's HTTP API that this back end needs. Its port is for back ends only. */

export const PERSON = 1;
export const GROUP = 2;
const WEB = 1;
const MASTER = 1;

/** The server cannot do it at this moment: nothing has happened, and the same call may be made again. */
export class NotNow extends Error {}

export function createChatServer(address, managerToken) {
  async function call(path, body) {
    const response = await fetch(address + path, {
      method: body === undefined ? "GET" : "POST",
      headers: { "content-type": "application/json", token: managerToken },
      body: body === undefined ? undefined : JSON.stringify(body),
    }).catch((cause) => {
      throw new NotNow(path, { cause });
    });
    if (response.ok) return response.json();
    const text = `${path}: ${response.status} ${await response.text()}`;
    throw response.status === 503 ? new NotNow(text) : new Error(text);
  }

  return {
    /** From now on the user's web client must log in with this token; a session with an older one ends. */
    setToken: (uid, token) => call("/user/token", { uid, token, device_flag: WEB, device_level: MASTER }),

    /** Such accounts may write to everyone, everywhere. */
    addSystemAccounts: (uids) => call("/user/systemuids_add", { uids }),

    /** Makes the group, or adds members to the one that is there. Who is a member already stays as he is. */
    addMembers: (group, uids) =>
      call("/channel/subscriber_add", { channel_id: group, channel_type: GROUP, subscribers: uids }),

    /** Where clients connect: `{ tcp_addr, ws_addr, wss_addr }`. */
    route: () => call("/route"),

    /**
     * Sends a text. The same `number` again, with the same text, is the same message: it is stored and delivered once.
     * Not every answer is a success: `reason` is 1 when the message is stored.
     */
    async sendText(from, to, text, number) {
      const payload = Buffer.from(JSON.stringify({ type: 1, content: text })).toString("base64");
      const { data } = await call("/message/send", {
        header: { red_dot: 1 },
        client_msg_no: number,
        from_uid: from,
        channel_id: to.id,
        channel_type: to.type,
        payload,
      });
      return data;
    },
  };
}

/** The text of a message, undefined when it is something else: a picture, a command, an application's own format. */
export function textOf(message) {
  try {
    const payload = JSON.parse(Buffer.from(message.payload, "base64").toString());
    return payload.type === 1 && typeof payload.content === "string" ? payload.content : undefined;
  } catch {
    return undefined;
  }
}
