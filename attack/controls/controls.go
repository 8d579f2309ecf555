package main

// control is one check of the product that is switched off, and the hole that the
// attack must then name. The product has no switch for it: the text is exchanged in a
// copy that is laid over the source while a variant is built. A text that is not there
// any more fails the control, so that it stays true.
type control struct {
	name           string
	file, old, new string
	only           string // the stages that should see it
	// hole is what has to be among the holes: trick, and parts of route, role and relation.
	trick, route, role, relation string
}

var controls = []control{
	{
		"decision on the opened record", "internal/chart/decide.go",
		"if err == nil && reach.All() && len(actor.Roles) < 2 {", "if err == nil && !reach.None() {",
		"side door", "side door", "read", "doctor", "none",
	}, {
		"narrowing of searches", "internal/chart/decide.go",
		"n := vault.Narrow{All: reach.All()}", "n := vault.Narrow{All: true}",
		"side door", "side door", "search", "doctor", "none",
	}, {
		"narrowing of chains", "internal/vault/search.go",
		"found func(TypeID, record.Key, []byte) error) error {\n\tb, err := v.bind(ctx, q, narrow)", "found func(TypeID, record.Key, []byte) error) error {\n\tb, err := v.bind(ctx, q, nil)",
		"side door", "side door", "_has", "", "",
	}, {
		"decision on includes", "internal/chart/include.go",
		"res, allowed, err := c.permit(ctx, req.actor, authz.Search, res)", "allowed := true",
		"side door", "side door", "include", "", "",
	}, {
		"security labels", "internal/authz/label.go",
		"if row.system == system && slices.Contains(row.codes, code) {", "if row.system == system && slices.Contains(row.codes, code) && code == \"\" {",
		"side door", "side door", "read", "client system/*.rs", "/hiv",
	}, {
		"scopes", "internal/chart/scopes.go",
		"if actor.Kind != identity.KindClient && actor.ClientID == \"\" {", "if actor.Kind != \"\" {",
		"side door", "side door", "read", "by an app of one type", "",
	}, {
		"patient in the context of a token", "internal/chart/scopes.go",
		"if !holds(one, patients) {", "if !holds(one, patients) && actor.PatientContext == \"\" {",
		"side door", "side door", "read", "doctor by an app of one patient", "ward",
	}, {
		"elements that a role is not shown", "internal/chart/minimum.go",
		"if res.Resource == nil || c.policy.Hides(actor) == nil {", "if res.Resource == nil || c.policy.Hides(actor) != nil {",
		"side door", "legitimate", "read", "billing", "",
	}, {
		"parameters that read what is not shown", "internal/chart/minimum.go",
		"\tif hides == nil {\n\t\treturn whole", "\tif hides != nil || len(actor.Roles) > 0 {\n\t\treturn whole",
		"redacted", "redacted fields", "", "billing", "",
	}, {
		"history's decision on the present", "internal/chart/history.go",
		"_, err = c.visible(ctx, req.actor, w.action, current)", "_ = current",
		"side door", "side door", "history of a record", "", "none",
	}, {
		"owner of a job", "internal/job/ask.go",
		"!t.job.of(actor) ||", "",
		"jobs", "job of somebody else", "job", "", "",
	}, {
		"owner of a page link", "internal/chart/page.go",
		"[]string{string(actor.Kind), actor.ID, sr.Address()", "[]string{sr.Address()",
		"page links", "page token of somebody else", "page link", "", "",
	}, {
		"second factor", "internal/identity/signin.go",
		"!matched && !recovered {", "!matched && !recovered && code == \"\" {",
		"second factor", "second factor", "POST /sign-in/code", "", "code:",
	}, {
		"epoch of a session", "internal/identity/upstream_end.go",
		"!s.bears(a, rec.Upstream) || a.Epoch != rec.Epoch {", "!s.bears(a, rec.Upstream) {",
		"access that ended", "access that ended", "page", "gone", "password changed",
	}, {
		"an app that was ended", "internal/identity/connection.go",
		"if !c.Ended.IsZero() || ", "if ",
		"access that ended", "access that ended", "read", "gone", "app revoked",
	}, {
		"forms of other sites", "cmd/wardkeep/app/handler.go",
		"http.NewCrossOriginProtection().Handler(pages)", "pages",
		"CSRF", "CSRF", "/find", "", "evil.example.org",
	}, {
		"audience of an assertion", "internal/identity/assertion.go",
		"len(claims.Audience) != 1 || !slices.Contains(audiences, claims.Audience[0])", "len(claims.Audience) == 0 && !slices.Contains(audiences, \"\")",
		"client assertion", "client assertion", "token endpoint", "", "wrong audience",
	}, {
		"an assertion taken once", "internal/identity/assertion.go",
		"if found {\n\t\treturn errAssertion(\"jti was used before\")", "if found && used == false && client == \"\" {\n\t\treturn errAssertion(\"jti was used before\")",
		"replay", "replay and theft", "token endpoint", "", "used twice",
	}, {
		"redirect_uri as registered", "internal/smart/authorize.go",
		"if !slices.Contains(client.RedirectURIs, to) {\n\t\treturn request, \"\",", "if to == \"\" {\n\t\treturn request, \"\",",
		"authorization", "redirect tricks", "", "", "",
	}, {
		"PKCE", "internal/identity/consent.go",
		"case !proves(verifier, rec.Challenge):", "case !proves(verifier, rec.Challenge) && verifier == \"\":",
		"replay", "replay and theft", "token endpoint", "", "another verifier",
	},
}
