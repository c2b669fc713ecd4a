/**
 * Logins that are not what is measured. WuKongIM v2.2.5 never answers one to five of a hundred good CONNECTs, so a load
 * tool tries again.
 */
import type { Connection } from "./connection.ts";

const ATTEMPTS = 5;

/** The connection that is logged in: the given one, or a copy. Throws what the last attempt failed with. */
export async function loginPersistently(first: Connection): Promise<Connection> {
  for (let connection = first, attempt = 1; ; attempt++, connection = connection.copy()) {
    try {
      await connection.login();
      return connection;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}
