// An OpenID Connect provider (npm oidc-provider) with a few people, for tests. Its
// sign-in page asks for a name and for whether a second factor was used, and
// believes the answer. Settings come by the environment:
//   PORT, CERT, KEY     where it listens, by TLS
//   RP                  base address of the server that signs people in here
import { readFileSync } from "node:fs";
import { generateKeyPairSync } from "node:crypto";
import https from "node:https";
import Provider from "oidc-provider";

const issuer = `https://127.0.0.1:${process.env.PORT}`;
const rp = process.env.RP;
const mfa = "urn:example:two-factors";
const people = {
	nora: { given_name: "Nora", family_name: "Lindqvist", groups: ["ward nurses", "coffee"], hd: "example.org" },
	dan: { given_name: "Dan", family_name: "Okoye", groups: ["doctors"], hd: "example.org" },
	sam: { given_name: "Sam", family_name: "Idle", groups: ["coffee"], hd: "example.org" },
	eve: { given_name: "Eve", family_name: "Guest", groups: ["doctors"], hd: "elsewhere.example" },
};
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 3072 });

const client = (id, name) => ({
	client_id: id, client_secret: "a secret of the tests, long enough",
	redirect_uris: [`${rp}/sign-in/return/${name}`], post_logout_redirect_uris: [`${rp}/sign-in`],
	backchannel_logout_uri: `${rp}/sign-in/ended/${name}`, backchannel_logout_session_required: true, require_auth_time: true,
});

const provider = new Provider(issuer, {
	clients: [client("wardkeep", "lakeside"), client("other", "other")],
	jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" }] },
	cookies: { keys: ["cookies of a test"] },
	acrValues: [mfa],
	scopes: ["openid", "profile"],
	claims: { openid: ["sub"], acr: null, amr: null, auth_time: null, iss: null, sid: null, profile: ["given_name", "family_name", "groups", "hd"] },
	conformIdTokenClaims: false,
	// It tells no servers on loopback of a logout by itself; the one of the test is there.
	fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
	pkce: { required: () => true },
	features: {
		devInteractions: { enabled: false },
		backchannelLogout: { enabled: true },
		claimsParameter: { enabled: true },
		rpInitiatedLogout: {
			logoutSource: (ctx, form) => {
				ctx.body = `<!doctype html><html lang="en"><title>Sign out</title>${form}<button id="out" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`;
			},
		},
	},
	interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
	findAccount: (_ctx, id) => people[id] && { accountId: id, claims: () => ({ sub: id, ...people[id] }) },
	loadExistingGrant: async (ctx) => {
		const grant = new ctx.oidc.provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
		grant.addOIDCScope("openid profile");
		await grant.save();
		return grant;
	},
});

provider.on("backchannel.error", (_ctx, err, to) => console.error(`the logout of ${to.clientId} was not delivered:`, err));
provider.on("server_error", (_ctx, err) => console.error(err));

const page = (uid) => `<!doctype html><html lang="en"><title>Lakeside sign-in</title><h1>Lakeside</h1>
<form method="post" action="/interaction/${uid}"><label>Name <input id="who" name="who" autofocus></label>
<label><input id="mfa" type="checkbox" name="mfa" value="yes"> with a second factor</label><button id="go">Go</button></form>`;

const answer = provider.callback();
https.createServer({ cert: readFileSync(process.env.CERT), key: readFileSync(process.env.KEY) }, async (req, res) => {
	const uid = /^\/interaction\/([\w-]+)$/.exec(req.url)?.[1];
	if (!uid) {
		answer(req, res);
		return;
	}
	try {
		if (req.method === "GET") {
			res.setHeader("content-type", "text/html; charset=utf-8").end(page(uid));
			return;
		}
		let body = "";
		for await (const part of req) body += part;
		const form = new URLSearchParams(body);
		const login = { accountId: form.get("who"), remember: true };
		if (form.get("mfa") === "yes") Object.assign(login, { acr: mfa, amr: ["pwd", "otp"] });
		await provider.interactionFinished(req, res, { login }, { mergeWithLastSubmission: false });
	} catch (e) {
		console.error(e);
		res.statusCode = 500;
		res.end("interaction failed");
	}
}).listen(Number(process.env.PORT), "127.0.0.1", () => console.log("provider ready"));
