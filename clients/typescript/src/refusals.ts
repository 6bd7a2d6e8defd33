import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { ConnectError } from "@connectrpc/connect";

import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  RetryInfoSchema,
} from "./gen/google/rpc/error_details_pb.js";
import { REASONS, type Reason } from "./reasons.js";

/** One field of a request that breaks a rule. */
export interface Violation {
  /** Path of the field, such as `first_owner.email`. */
  readonly field: string;
  /** The rule, for programs. */
  readonly reason: string;
  /** What to do, for people. */
  readonly description: string;
}

/** Why a Rolecall service refused a call; `undefined` for every other error, and for newer reasons. */
export function reasonOf(error: unknown): Reason | undefined {
  const info = detail(error, ErrorInfoSchema);
  const key = `${info?.domain}/${info?.reason}`;
  return isReason(key) ? key : undefined;
}

/** The values that the message of a refusal mentions. */
export function metadataOf(error: unknown): Readonly<Record<string, string>> {
  return detail(error, ErrorInfoSchema)?.metadata ?? {};
}

/** Every field of the request that breaks a rule. */
export function violationsOf(error: unknown): readonly Violation[] {
  const violations = detail(error, BadRequestSchema)?.fieldViolations ?? [];
  return violations.map(({ field, reason, description }) => ({ field, reason, description }));
}

/** How many milliseconds to wait before repeating helps. */
export function retryDelayOf(error: unknown): number | undefined {
  const delay = detail(error, RetryInfoSchema)?.retryDelay;
  return delay === undefined ? undefined : durationMs(delay);
}

/** The name under which the server logged the call; give it to the people who run the server. */
export function requestIdOf(error: unknown): string | undefined {
  return detail(error, RequestInfoSchema)?.requestId;
}

function isReason(key: string): key is Reason {
  return Object.hasOwn(REASONS, key);
}

function detail<S extends DescMessage>(error: unknown, schema: S): MessageShape<S> | undefined {
  return error instanceof ConnectError ? error.findDetails(schema)[0] : undefined;
}
