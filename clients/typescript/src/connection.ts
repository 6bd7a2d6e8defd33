import type { SecureClientSessionOptions } from "node:http2";

import type { DescService } from "@bufbuild/protobuf";
import { createClient, type Client, type Transport } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";

import { nameRequests, retry, sendToken } from "./interceptors.js";
import type { TokenSource } from "./tokens.js";

/** How to connect. */
export interface ConnectOptions {
  /** Gives the token that goes with every call; without one, only public methods answer. */
  readonly tokens?: TokenSource;
  /** How often a call that is safe to repeat is tried while the server is unavailable; 4 unless told. */
  readonly tries?: number;
  /** Certificates of a private authority, in PEM; the system's authorities unless told. */
  readonly certificateAuthority?: string;
  /** Ends every call that takes longer, in milliseconds. */
  readonly timeoutMs?: number;
}

/** A connection to one server; it is made by the first call. */
export interface Connection {
  /** Makes the client of a generated service. */
  client<S extends DescService>(service: S): Client<S>;
  /** What the clients send their calls through. */
  readonly transport: Transport;
}

/** Connects to a server such as `https://rolecall.example.org`, or `http://127.0.0.1:50051`. */
export function connect(address: string, options: ConnectOptions = {}): Connection {
  const nodeOptions: SecureClientSessionOptions = {};
  if (options.certificateAuthority !== undefined) {
    nodeOptions.ca = options.certificateAuthority;
  }
  // The first one is the outermost: a call is named once, and each try of it gets a token.
  const interceptors = [nameRequests, retry(options.tries ?? 4)];
  if (options.tokens !== undefined) {
    interceptors.push(sendToken(options.tokens));
  }
  const transport = createGrpcTransport({
    baseUrl: address,
    interceptors,
    nodeOptions,
    ...(options.timeoutMs === undefined ? {} : { defaultTimeoutMs: options.timeoutMs }),
  });
  return { transport, client: (service) => createClient(service, transport) };
}
