// A city system that signs people in: openid-client, which nobody here wrote, step by step over standard input and output.
// In: one JSON per line: {issuer, id, secret, redirect, acr}, then {callback}. Out: {url}, then what came of it.
import readline from "node:readline";
import * as client from "openid-client";

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => JSON.parse((await lines.next()).value);
const say = (value) => console.log(JSON.stringify(value));

const { issuer, id, secret, redirect, scope, acr } = await next();
const config = await client.discovery(new URL(issuer), id, secret, undefined, { execute: [client.allowInsecureRequests] });
const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();
const parameters = {
  redirect_uri: redirect, scope, state, nonce, acr_values: acr,
  code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
};
say({ url: client.buildAuthorizationUrl(config, parameters).href, metadata: config.serverMetadata() });

const callback = new URL((await next()).callback);
const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
const tokens = await client.authorizationCodeGrant(config, callback, checks);
const claims = tokens.claims();
const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
const active = await client.tokenIntrospection(config, tokens.access_token);
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token);
const before = await client.tokenIntrospection(config, refreshed.access_token);
await client.tokenRevocation(config, refreshed.access_token);
const revoked = await client.tokenIntrospection(config, refreshed.access_token);
const failure = async (attempt) => attempt().then(() => "accepted", (error) => error.error ?? error.code ?? String(error));
const oldRefresh = await failure(() => client.refreshTokenGrant(config, tokens.refresh_token));
const newRefresh = await failure(() => client.refreshTokenGrant(config, refreshed.refresh_token));
const oldCode = await failure(() => client.authorizationCodeGrant(config, callback, checks));
say({ claims, person, active, refreshedClaims: refreshed.claims(), rotated: refreshed.refresh_token !== tokens.refresh_token, before, revoked, oldRefresh, newRefresh, oldCode });
process.exit(0);
