// Amazon Cognito as npm cognito-local plays it, for tests: this script starts it as a
// process of its own, fills a user pool, and stands before it with TLS. It adds what
// cognito-local lacks beside the real thing: the addresses of the discovery document,
// a client secret, and in the ID token the nonce and amr, for which it signs the token
// anew with cognito-local's own key. Settings come by the environment:
//   PORT, CERT, KEY     where it listens, by TLS
//   RP                  base address of the server that signs people in here
//   TMPDIR              folder for the pool's files; cognito.json there tells issuer and client id
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { createRequire } from "node:module";
import http from "node:http";
import https from "node:https";

const { PORT, CERT, KEY, RP, TMPDIR } = process.env;
const base = `https://127.0.0.1:${PORT}`;
const secret = "a secret of the tests, long enough";
const factors = { nora: ["pwd", "otp", "mfa"], dan: ["pwd", "otp", "mfa"], sam: ["pwd"] };

const listen = (server) => new Promise((done) => server.listen(0, "127.0.0.1", () => done(server.address().port)));
const read = async (stream) => { let text = ""; for await (const part of stream) text += part; return text; };

const probe = http.createServer();
const inner = await listen(probe);
await new Promise((done) => probe.close(done));
const folder = `${TMPDIR}/pool`;
mkdirSync(`${folder}/.cognito`, { recursive: true });
writeFileSync(`${folder}/.cognito/config.json`, JSON.stringify({
	TokenConfig: { IssuerDomain: base },
	UserPoolDefaults: { UsernameAttributes: [] },
}));
const require = createRequire(import.meta.url);
const start = require.resolve("cognito-local/lib/bin/start.js");
const { pem } = require("cognito-local/lib/keys/cognitoLocal.private.json");
const key = createPrivateKey(pem);

const child = spawn(process.execPath, [start], { cwd: folder, env: { ...process.env, PORT: String(inner), HOST: "127.0.0.1" }, stdio: "inherit" });
process.on("exit", () => child.kill());
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
child.on("exit", (code) => process.exit(code ?? 1));

const at = `http://127.0.0.1:${inner}`;
const call = async (action, body) => {
	const answer = await fetch(at, {
		method: "POST", body: JSON.stringify(body),
		headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `AWSCognitoIdentityProviderService.${action}` },
	});
	if (!answer.ok) throw new Error(`${action}: ${answer.status} ${await answer.text()}`);
	return answer.json();
};
for (let tries = 0; ; tries++) {
	try { await fetch(`${at}/health`); break; } catch (e) { if (tries > 300) throw e; }
	await new Promise((done) => setTimeout(done, 50));
}
const pool = (await call("CreateUserPool", { PoolName: "lakeside" })).UserPool.Id;
const client = (await call("CreateUserPoolClient", {
	UserPoolId: pool, ClientName: "wardkeep", CallbackURLs: [`${RP}/sign-in/return/cognito`], AllowedOAuthFlows: ["code"], AllowedOAuthScopes: ["openid"],
})).UserPoolClient.ClientId;
for (const [group, names] of Object.entries({ nurses: ["nora", "sam"], doctors: ["dan"] })) {
	await call("CreateGroup", { UserPoolId: pool, GroupName: group });
	for (const name of names) {
		await call("AdminCreateUser", { UserPoolId: pool, Username: name, MessageAction: "SUPPRESS", UserAttributes: [{ Name: "email", Value: `${name}@example.org` }] });
		await call("AdminSetUserPassword", { UserPoolId: pool, Username: name, Password: "Correct-horse-1", Permanent: true });
		await call("AdminAddUserToGroup", { UserPoolId: pool, Username: name, GroupName: group });
	}
}

// The challenge of PKCE tells which request, and so which nonce, a code belongs to.
const nonces = new Map();
const challenge = async (verifier) => Buffer.from(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))).toString("base64url");
const completed = (token, nonce) => {
	const [head, body, signature] = token.split(".");
	if (!verify("RSA-SHA256", Buffer.from(`${head}.${body}`), createPublicKey(key), Buffer.from(signature, "base64url"))) throw new Error("not cognito-local's token");
	const claims = JSON.parse(Buffer.from(body, "base64url"));
	const text = `${head}.${Buffer.from(JSON.stringify({ ...claims, nonce, amr: factors[claims["cognito:username"]] })).toString("base64url")}`;
	return `${text}.${sign("RSA-SHA256", Buffer.from(text), key).toString("base64url")}`;
};
const json = (res, status, body) => { res.statusCode = status; res.setHeader("content-type", "application/json").end(JSON.stringify(body)); };

const forward = async (req, res, body) => {
	const answer = await fetch(at + req.url, {
		method: req.method, body, redirect: "manual", headers: { "content-type": req.headers["content-type"] ?? "text/plain" },
	});
	res.statusCode = answer.status;
	for (const name of ["location", "content-type"]) if (answer.headers.get(name)) res.setHeader(name, answer.headers.get(name));
	res.end(await answer.text());
};

const token = async (req, res, body) => {
	const form = new URLSearchParams(body);
	const [id, given] = Buffer.from((req.headers.authorization ?? "").replace("Basic ", ""), "base64").toString().split(":").map((v) => decodeURIComponent(v.replaceAll("+", " ")));
	if (id !== client || given !== secret) {
		json(res, 401, { error: "invalid_client" });
		return;
	}
	form.set("client_id", id);
	const answer = await fetch(`${at}/oauth2/token`, { method: "POST", body: form });
	const tokens = await answer.json();
	if (tokens.id_token) tokens.id_token = completed(tokens.id_token, nonces.get(await challenge(form.get("code_verifier"))));
	json(res, answer.status, tokens);
};

https.createServer({ cert: readFileSync(CERT), key: readFileSync(KEY) }, async (req, res) => {
	try {
		const url = new URL(req.url, base);
		const body = req.method === "POST" ? await read(req) : undefined;
		if (url.pathname === `/${pool}/.well-known/openid-configuration`) {
			json(res, 200, {
				issuer: `${base}/${pool}`, authorization_endpoint: `${base}/oauth2/authorize`, token_endpoint: `${base}/oauth2/token`,
				jwks_uri: `${base}/${pool}/.well-known/jwks.json`, end_session_endpoint: `${base}/logout`,
				token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
				id_token_signing_alg_values_supported: ["RS256"], response_types_supported: ["code", "token"], subject_types_supported: ["public"],
			});
		} else if (url.pathname === "/logout") {
			res.statusCode = url.searchParams.get("client_id") === client ? 302 : 400;
			res.setHeader("location", url.searchParams.get("logout_uri") ?? "").end();
		} else if (url.pathname === "/oauth2/token") {
			await token(req, res, body);
		} else {
			if (req.method === "GET" && url.searchParams.has("nonce")) nonces.set(url.searchParams.get("code_challenge"), url.searchParams.get("nonce"));
			await forward(req, res, body);
		}
	} catch (e) {
		console.error(e);
		res.statusCode = 502;
		res.end();
	}
}).listen(Number(PORT), "127.0.0.1", () => {
	writeFileSync(`${TMPDIR}/cognito.json`, JSON.stringify({ issuer: `${base}/${pool}`, client_id: client }));
	console.log("provider ready");
});
