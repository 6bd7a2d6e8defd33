/**
 * Connects programs to the Rolecall services: connections that send a fresh access token, retries
 * of the calls that are safe to repeat, and readable refusals. The generated messages and services
 * lie below `gen/`.
 *
 * ```ts
 * const anonymous = connect("http://127.0.0.1:50051");
 * const session = await Session.logIn(anonymous, "ada@example.org", password);
 * const users = connect("http://127.0.0.1:50051", { tokens: session }).client(UserService);
 * try {
 *   await users.createUser({ email: "bob@example.org", name: "Bob", roles: ["GUEST"] });
 * } catch (error) {
 *   if (reasonOf(error) === "identity.rolecall/EMAIL_TAKEN") { ... }
 * }
 * ```
 *
 * @module
 */
export { connect, type Connection, type ConnectOptions } from "./connection.js";
export { ApiKey, Session, type TokenSource } from "./tokens.js";
export { REASONS, type Reason } from "./reasons.js";
export { metadataOf, reasonOf, requestIdOf, retryDelayOf, violationsOf, type Violation } from "./refusals.js";
