import assert from "node:assert/strict";
import { createServer, type Http2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, type ConnectRouter, type HandlerContext } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";

import { BadRequestSchema, ErrorInfoSchema, RequestInfoSchema } from "../src/gen/google/rpc/error_details_pb.js";
import { AuthenticationService, TokensSchema } from "../src/gen/rolecall/identity/v1/authentication_service_pb.js";
import { UserService } from "../src/gen/rolecall/identity/v1/user_service_pb.js";
import {
  connect, metadataOf, reasonOf, requestIdOf, retryDelayOf, Session, violationsOf, type Connection,
} from "../src/index.js";

/** What the server under test does, and what it was asked. */
const server = {
  lifeMs: 0,
  failures: 0,
  refreshError: undefined as ConnectError | undefined,
  logins: 0,
  refreshes: 0,
  requestIds: [] as string[],
  tokens: [] as (string | null)[],
};

function tokens(accessToken: string, refreshToken: string) {
  const accessTokenExpireTime = timestampFromMs(Date.now() + server.lifeMs);
  return create(TokensSchema, { accessToken, refreshToken, accessTokenExpireTime });
}

function refusal(code: Code, reason: string): ConnectError {
  return new ConnectError("refused", code, undefined, [
    { desc: ErrorInfoSchema, value: { domain: "identity.rolecall", reason, metadata: { k: "v" } } },
    { desc: RequestInfoSchema, value: { requestId: "request-7" } },
    {
      desc: BadRequestSchema,
      value: { fieldViolations: [{ field: "email", reason: "EMPTY", description: "Give an address." }] },
    },
  ]);
}

function failFirst(): void {
  if (server.failures > 0) {
    server.failures -= 1;
    throw new ConnectError("starting", Code.Unavailable);
  }
}

function routes(router: ConnectRouter): void {
  router.service(AuthenticationService, {
    logIn() {
      server.logins += 1;
      failFirst();
      return { outcome: { case: "tokens", value: tokens("first", "refresh-1") } };
    },
    refreshTokens(request) {
      server.refreshes += 1;
      if (server.refreshError !== undefined) {
        throw server.refreshError;
      }
      server.lifeMs = 3_600_000;
      return { tokens: tokens(`after-${request.refreshToken}`, "refresh-2") };
    },
  });
  router.service(UserService, {
    createUser(request, context: HandlerContext) {
      server.requestIds.push(request.requestId);
      server.tokens.push(context.requestHeader.get("authorization"));
      failFirst();
      throw refusal(Code.InvalidArgument, "REQUEST_INVALID");
    },
  });
}

let http: Http2Server;
let anonymous: Connection;
let address: string;

before(async () => {
  http = createServer(connectNodeAdapter({ routes }));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  anonymous = connect(address);
});

after(() => {
  http.close();
  setTimeout(() => process.exit(), 100).unref();
});

beforeEach(() => {
  Object.assign(server, { lifeMs: 3_600_000, failures: 0, refreshError: undefined, logins: 0, refreshes: 0 });
  Object.assign(server, { requestIds: [], tokens: [] });
});

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("nothing was refused"),
    (error: unknown) => error,
  );
}

test("a call carries the token of the session", async () => {
  const session = await Session.logIn(anonymous, "ada@example.org", "right");
  const users = connect(address, { tokens: session }).client(UserService);
  await rejection(users.createUser({}));
  assert.deepEqual(server.tokens, ["Bearer first"]);
});

test("a token is replaced once before it ends", async () => {
  server.lifeMs = 5_000;
  const session = await Session.logIn(anonymous, "ada@example.org", "right");
  const given = await Promise.all(Array.from({ length: 16 }, () => session.token()));
  assert.deepEqual(new Set(given), new Set(["after-refresh-1"]));
  assert.equal(server.refreshes, 1);
  assert.equal(session.tokens.refreshToken, "refresh-2");
});

test("an old token serves while the server is away, but not after it ended or was refused", async () => {
  const away = new ConnectError("away", Code.Unavailable);
  const refused = refusal(Code.Unauthenticated, "REFRESH_TOKEN_REFUSED");
  for (const [lifeMs, refreshError, serves] of [[10_000, away, true], [-1, away, false], [10_000, refused, false]] as const) {
    Object.assign(server, { lifeMs, refreshError });
    const session = await Session.logIn(anonymous, "ada@example.org", "right");
    if (serves) {
      assert.equal(await session.token(), "first");
    } else {
      await assert.rejects(session.token());
    }
  }
});

test("a repeatable call is retried under one name, and the caller's message stays as it was", async () => {
  server.failures = 2;
  const request = { email: "bob@example.org", requestId: "" };
  const error = await rejection(anonymous.client(UserService).createUser(request));
  assert.equal(ConnectError.from(error).code, Code.InvalidArgument);
  assert.equal(server.requestIds.length, 3);
  assert.match(server.requestIds[0] ?? "", /^[0-9a-f-]{36}$/);
  assert.equal(new Set(server.requestIds).size, 1);
  assert.equal(request.requestId, "");
});

test("a call that is not repeatable is sent once", async () => {
  server.failures = 1;
  await assert.rejects(Session.logIn(anonymous, "ada@example.org", "right"));
  assert.equal(server.logins, 1);
});

test("a refusal is readable", async () => {
  const error = await rejection(anonymous.client(UserService).createUser({}));
  assert.equal(reasonOf(error), "identity.rolecall/REQUEST_INVALID");
  assert.deepEqual(violationsOf(error), [{ field: "email", reason: "EMPTY", description: "Give an address." }]);
  assert.equal(metadataOf(error)["k"], "v");
  assert.equal(requestIdOf(error), "request-7");
  assert.equal(retryDelayOf(error), undefined);
  assert.equal(reasonOf(new Error("another")), undefined);
});
