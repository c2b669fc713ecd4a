/**
 * Every table: its key, its row, and the shard it lies in. A key is shard u16, table u8, then the table's own parts; a
 * row begins with its version byte. A channel's rows carry (type u8, id text) in front, so one channel's messages are
 * neighbours and a shard is one contiguous range.
 *
 * | id | table        | key                                   | shard of | row |
 * |----|--------------|---------------------------------------|----------|-----|
 * | 1  | message      | channel, log, seq                     | channel  | one message |
 * | 2  | message ids  | the last one's id                     | channel  | the messages of one batch in id order, and where each stands: channel, log, seq. In key order this is the feed |
 * | 3  | receipt      | channel, log, from uid, client number | channel  | idempotency: id, seq, hash of the payload |
 * | 4  | head         | channel, log                          | channel  | the last message's place, time and id |
 * | 5  | last sent    | channel, uid                          | channel  | the mark of the user's own last message |
 * | 6–8| member, deny, allow | channel, uid                   | channel  | since when |
 * | 9  | channel      | channel                               | channel  | flags, times, sizes of the three lists |
 * | 10 | conversation | uid, channel                          | user     | membership and marks |
 * | 11 | device       | uid, device flag                      | user     | token, level and times |
 * | 12 | system uid   | uid                                   | 0        | – |
 * | 13 | system       | name                                  | 0        | format of the data directory |
 * | 14 | removed      | channel, log, seq                     | channel  | from when on a message no longer counts |
 * | 15 | cursor       | follower's name                       | followed | the last message of the shard that the follower has handled |
 * | 16 | dead letter  | its id                                | 0        | a webhook event that its receiver refuses: what, why, which messages |
 * | 17 | dead letter body | its id                            | 0        | the event's body |
 * | 18 | status event | id                                    | 0        | a login or its end that the back end has not been told of |
 * | 19 | told online  | uid, device flag, session             | 0        | a session that is, or will be, told to be online |
 * | 20 | sourced      | channel                               | channel  | when the datasource was asked for its lists |
 * | 21 | trail        | uid                                   | 0        | his last sessions, refused sends and failed deliveries; "" holds the server's own. |
 * | 22 | trail order  | number                                | 0        | whose trail was written then: the first ones are dropped first |
 */
export * from "./tables/channels.ts";
export * from "./tables/events.ts";
export * from "./tables/messages.ts";
export * from "./tables/ranges.ts";
export * from "./tables/system.ts";
export * from "./tables/trail.ts";
export * from "./tables/users.ts";
