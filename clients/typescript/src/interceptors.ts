import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

import { clone, type DescMessage, type Message } from "@bufbuild/protobuf";
import { MethodOptions_IdempotencyLevel as Level } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";

import type { TokenSource } from "./tokens.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Gives a request that can bear a name, and has none, a fresh `request_id`, so that a retry never
 * takes effect twice. The caller's own message stays untouched.
 */
export const nameRequests: Interceptor = (next) => (request) => {
  if (request.stream) {
    return next(request);
  }
  return next({ ...request, message: named(request.method.input, request.message) });
};

function named(schema: DescMessage, message: Message): Message {
  if (schema.field["requestId"] === undefined || (message as { requestId?: string }).requestId !== "") {
    return message;
  }
  return Object.assign(clone(schema, message), { requestId: randomUUID() });
}

/** Repeats calls that the contract marks as repeatable while the server is unavailable. */
export function retry(tries: number): Interceptor {
  return (next) => async (request) => {
    const repeatable = !request.stream && request.method.idempotency !== Level.IDEMPOTENCY_UNKNOWN;
    for (let failed = 1; ; failed += 1) {
      try {
        return await next(request);
      } catch (error) {
        const unavailable = ConnectError.from(error).code === Code.Unavailable;
        if (!repeatable || !unavailable || failed >= tries) {
          throw error;
        }
      }
      const pause = Math.min(FIRST_PAUSE_MS * 2 ** (failed - 1), LONGEST_PAUSE_MS);
      await sleep(pause * (0.5 + Math.random() / 2), undefined, { signal: request.signal });
    }
  };
}

/** Sends a token of the source as `authorization: Bearer`. */
export function sendToken(tokens: TokenSource): Interceptor {
  return (next) => async (request) => {
    request.header.set("authorization", `Bearer ${await tokens.token()}`);
    return next(request);
  };
}
