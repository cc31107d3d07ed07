// Verifies SD-JWTs with @sd-jwt/core: JSON {jwk, tokens} on standard input, a list of {payload} or {error} out.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { SDJwtInstance } from "@sd-jwt/core";

const { jwk, tokens } = JSON.parse(readFileSync(0, "utf8"));
const key = createPublicKey({ key: jwk, format: "jwk" });
const instance = new SDJwtInstance({
  hasher: (data) => new Uint8Array(createHash("sha256").update(typeof data === "string" ? data : Buffer.from(data)).digest()),
  verifier: (data, signature) =>
    verify("sha256", Buffer.from(data), { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64url")),
});

const results = [];
for (const token of tokens) {
  try {
    const { payload } = await instance.verify(token);
    const claims = await instance.getClaims(token);
    results.push({ payload: claims ?? payload });
  } catch (error) {
    results.push({ error: String(error) });
  }
}
console.log(JSON.stringify(results));
