import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { Client } from "@connectrpc/connect";

import type { Connection } from "./connection.js";
import { AuthenticationService, type Tokens } from "./gen/rolecall/identity/v1/authentication_service_pb.js";
import { reasonOf } from "./refusals.js";

/** How long before its end a token is replaced: longer than a call may wait on its way. */
const MARGIN_MS = 30_000;

/** How long new tokens may take. */
const PATIENCE_MS = 10_000;

/** Gives the access token for the next call. */
export interface TokenSource {
  token(): Promise<string>;
}

interface Held {
  readonly token: string;
  readonly expireMs: number;
}

/** Keeps a token, and replaces it, one call at a time, before it ends. */
abstract class Renewed implements TokenSource {
  private pending: Promise<string> | undefined;

  protected abstract held(): Held;
  protected abstract renew(): Promise<void>;
  /** Whether the failure means that the old token is worthless too. */
  protected abstract isFinal(error: unknown): boolean;

  async token(): Promise<string> {
    const { token, expireMs } = this.held();
    if (expireMs - Date.now() > MARGIN_MS) {
      return token;
    }
    this.pending ??= this.replace().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  private async replace(): Promise<string> {
    try {
      await this.renew();
    } catch (error) {
      // While the server is out of reach, what is left of the old token still serves.
      if (this.isFinal(error) || this.held().expireMs <= Date.now()) {
        throw error;
      }
    }
    return this.held().token;
  }
}

/** The login of a person; its token is replaced before it ends. */
export class Session extends Renewed {
  private readonly service: Client<typeof AuthenticationService>;

  /** Goes on with the tokens of an earlier login, over a connection without a token source. */
  constructor(
    connection: Connection,
    private current: Tokens,
  ) {
    super();
    this.service = connection.client(AuthenticationService);
  }

  /** Opens a session by a password alone, over a connection without a token source. */
  static async logIn(connection: Connection, email: string, password: string): Promise<Session> {
    const { outcome } = await connection.client(AuthenticationService).logIn({ email, password });
    if (outcome.case !== "tokens") {
      throw new Error("the login asks for more than a password; call logIn and answerChallenge of the service");
    }
    return new Session(connection, outcome.value);
  }

  /** The tokens as they are now, for keeping them in a safe place. */
  get tokens(): Tokens {
    return this.current;
  }

  protected override held(): Held {
    return { token: this.current.accessToken, expireMs: milliseconds(this.current.accessTokenExpireTime) };
  }

  protected override async renew(): Promise<void> {
    const request = { refreshToken: this.current.refreshToken };
    const { tokens } = await this.service.refreshTokens(request, { timeoutMs: PATIENCE_MS });
    this.current = tokens ?? this.current;
  }

  protected override isFinal(error: unknown): boolean {
    return reasonOf(error) === "identity.rolecall/REFRESH_TOKEN_REFUSED";
  }
}

/** Exchanges the key of a service account for a token whenever the last one is about to end. */
export class ApiKey extends Renewed {
  private readonly service: Client<typeof AuthenticationService>;
  private current: Held = { token: "", expireMs: 0 };

  /** Uses a connection without a token source. */
  constructor(
    connection: Connection,
    private readonly key: string,
  ) {
    super();
    this.service = connection.client(AuthenticationService);
  }

  protected override held(): Held {
    return this.current;
  }

  protected override async renew(): Promise<void> {
    const answer = await this.service.exchangeApiKey({ apiKey: this.key }, { timeoutMs: PATIENCE_MS });
    this.current = { token: answer.accessToken, expireMs: milliseconds(answer.accessTokenExpireTime) };
  }

  protected override isFinal(error: unknown): boolean {
    return reasonOf(error) === "identity.rolecall/CREDENTIALS_REFUSED";
  }
}

function milliseconds(time: Timestamp | undefined): number {
  return time === undefined ? 0 : timestampMs(time);
}
