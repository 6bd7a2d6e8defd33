// An identity provider of the real kind (`oidc-provider`) on loopback, and whoever sits in its place when a test says so.
//
// Each line of standard input is one command in JSON, and each is answered by one line of standard output; the first
// line tells the issuer. The script ends with its standard input.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";

import { CompactSign, exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

// Only the answers are read.
console.log = console.info = console.error;

const SCOPES = "openid email profile groups";
const state = { people: {}, redirect: "http://127.0.0.1:9/none", tamper: {}, methods: ["client_secret_basic"] };
// What left this place, so that a test can look for it where it must not be, and what was asked for.
const seen = { secrets: [], asked: {}, requests: [] };

const keys = async () => {
  const made = [];
  for (const alg of ["RS256", "ES256", "EdDSA"]) {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    made.push({ ...(await exportJWK(privateKey)), alg, use: "sig", kid: `${alg}-${Math.random().toString(36).slice(2)}` });
  }
  return made;
};

const encode = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

// Signs claims as somebody who is not who it should be, or as the provider itself.
const sign = async (claims, how) => {
  const own = state.keys.find((key) => key.alg === "RS256");
  const body = new TextEncoder().encode(JSON.stringify(claims));
  if (how === "none") return `${encode({ alg: "none", typ: "JWT" })}.${encode(claims)}.`;
  if (how === "hs256") {
    // The published key as the secret of an HMAC: the confusion of algorithms.
    const published = new TextEncoder().encode(JSON.stringify({ kty: "RSA", n: own.n, e: own.e }));
    return new CompactSign(body).setProtectedHeader({ alg: "HS256", kid: own.kid }).sign(published);
  }
  if (how === "secret") {
    const secret = new TextEncoder().encode(state.client.client_secret);
    return new CompactSign(body).setProtectedHeader({ alg: "HS256" }).sign(secret);
  }
  const key = how === "foreign" ? { ...(await keys()).find((key) => key.alg === "RS256"), kid: own.kid } : own;
  return new CompactSign(body).setProtectedHeader({ alg: "RS256", kid: key.kid }).sign(key);
};

// A body that has no end: at once or drop by drop.
const endless = (pause) =>
  Readable.from(
    (async function* () {
      yield '{"x":"';
      for (;;) {
        if (pause) await new Promise((done) => setTimeout(done, pause));
        yield "x".repeat(pause ? 1 : 4096);
      }
    })(),
  );

const many = () =>
  Array.from({ length: 5000 }, (_, number) => ({ kty: "OKP", crv: "Ed25519", x: encode(String(number).padStart(32)), kid: String(number) }));

const tamper = async (ctx, next) => {
  await next();
  const route = ctx.oidc?.route;
  seen.asked[route] = (seen.asked[route] ?? 0) + 1;
  const location = ctx.response.get("location") ?? "";
  if (location.startsWith(state.redirect)) {
    const url = new URL(location);
    if (url.searchParams.has("code")) seen.secrets.push(url.searchParams.get("code"));
    for (const [name, value] of Object.entries(state.tamper.answer ?? {})) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    ctx.set("location", url.href);
  }
  if (route === "token" && ctx.body?.id_token) {
    const claims = JSON.parse(Buffer.from(ctx.body.id_token.split(".")[1], "base64url"));
    if (state.tamper.claims || state.tamper.signature) {
      const all = { ...claims, ...state.tamper.claims };
      const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
      ctx.body.id_token = await sign(kept, state.tamper.signature);
    }
    seen.secrets.push(ctx.body.id_token, ctx.body.access_token);
  }
  if (state.tamper.merge?.[route]) ctx.body = { ...ctx.body, ...state.tamper.merge[route] };
  if (state.tamper.keys && route === "jwks") ctx.body = { keys: many() };
  if (state.tamper.redirect?.[route]) ctx.redirect(state.tamper.redirect[route]);
  const body = state.tamper.endless?.[route];
  if (body !== undefined) [ctx.type, ctx.body] = ["application/json", endless(body)];
};

const page = (title, action, fields) =>
  `<!doctype html><title>${title}</title><main><h1>${title}</h1><form method="post" action="${action}">${fields}<button>Go on</button></form></main>`;

// The pages of the provider: who is it, with which factors, and may we be told?
const interact = async (provider, request, response) => {
  const { uid, prompt, params, session } = await provider.interactionDetails(request, response);
  if (request.method !== "POST") {
    const login = '<input name="login"><input name="acr"><input name="amr">';
    const body = page(prompt.name, `/interaction/${uid}`, prompt.name === "login" ? login : "");
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(body);
    return;
  }
  let text = "";
  for await (const part of request) text += part;
  const form = new URLSearchParams(text);
  if (prompt.name === "login") {
    if (!state.people[form.get("login")]) {
      const refused = { error: "access_denied", error_description: "nobody of that name" };
      await provider.interactionFinished(request, response, refused);
      return;
    }
    const amr = form.get("amr") ? form.get("amr").split(" ") : undefined;
    const login = { accountId: form.get("login"), acr: form.get("acr") || undefined, amr };
    await provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
    return;
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(SCOPES);
  grant.addOIDCClaims(["acr", "amr"]);
  const grantId = await grant.save();
  await provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
};

const build = () => {
  const provider = new Provider(state.issuer, {
    clients: [{ ...state.client, redirect_uris: [state.redirect], token_endpoint_auth_method: state.methods[0] }],
    jwks: { keys: state.keys },
    scopes: SCOPES.split(" "),
    acrValues: ["gold", "tin"],
    claims: {
      openid: ["sub", "amr", "auth_time"],
      email: ["email", "email_verified"],
      profile: ["name", "given_name", "family_name"],
      groups: ["groups"],
    },
    cookies: { keys: ["of a test"] },
    clientAuthMethods: state.methods,
    features: { devInteractions: { enabled: false } },
    findAccount: (_, sub) => (state.people[sub] ? { accountId: sub, claims: () => ({ sub, ...state.people[sub] }) } : undefined),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 600, AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
  });
  provider.use(tamper);
  // Who is refused hangs up in the middle of an answer.
  provider.on("error", () => undefined);
  provider.on("server_error", (_, error) => console.error(error));
  for (const event of ["authorization.error", "grant.error"]) {
    provider.on(event, (_, error) => console.error(event, error.error_description ?? error.message));
  }
  state.provider = provider;
  state.serve = provider.callback();
};

const server = createServer((request, response) => {
  const path = request.url.split("?")[0];
  seen.requests.push(`${request.method} ${path}`);
  const failed = (error) => {
    console.error(error);
    response.writeHead(500).end();
  };
  if (path.startsWith("/interaction/")) interact(state.provider, request, response).catch(failed);
  else if (path === "/trap") response.writeHead(200, { "content-type": "application/json" }).end("{}");
  else state.serve(request, response);
});

const commands = {
  // How Rolecall is registered here.
  register: ({ client, redirect, methods }) => Object.assign(state, { client, redirect, methods: methods ?? state.methods }),
  people: ({ people }) => Object.assign(state.people, people),
  tamper: ({ tamper }) => Object.assign(state, { tamper }),
  rotate: async () => Object.assign(state, { keys: await keys() }),
  seen: () => undefined,
};

state.keys = await keys();
state.client = { client_id: "rolecall-client", client_secret: "a secret between provider and rolecall" };
server.listen(0, "127.0.0.1", () => {
  state.issuer = `http://127.0.0.1:${server.address().port}`;
  build();
  process.stdout.write(`${JSON.stringify({ issuer: state.issuer })}\n`);
});

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...given } = JSON.parse(line);
  await commands[command](given);
  if (command === "register" || command === "rotate") build();
  process.stdout.write(`${JSON.stringify(seen)}\n`);
}
process.exit(0);
