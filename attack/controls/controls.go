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
	times                        int    // that the old text stands there
	beside                       string // what the new text needs beside it, at the end of the file
}

var controls = []control{
	{
		"decision on the opened record", "internal/chart/decide.go",
		"if len(s.actor.Roles) < 2 && s.all(action, res.TypeID.Type) {", "if len(s.actor.Roles) < 2 {",
		"side door", "side door", "read", "doctor", "none",
		1, "",
	}, {
		"narrowing of searches", "internal/chart/decide.go",
		"n := vault.Narrow{All: reach.All()}", "n := vault.Narrow{All: true}",
		"side door", "side door", "search", "doctor", "none",
		1, "",
	}, {
		"narrowing of chains", "internal/vault/search.go",
		"found func(TypeID, record.Key, []byte) error) error {\n\tb, err := v.bind(ctx, q, narrow)", "found func(TypeID, record.Key, []byte) error) error {\n\tb, err := v.bind(ctx, q, nil)",
		"side door", "side door", "_has", "", "",
		1, "",
	}, {
		"decision on includes", "internal/chart/include.go",
		"res, allowed, err := c.stand(req.actor).permit(ctx, authz.Search, res)", "allowed := true",
		"side door", "side door", "include", "", "",
		1, "",
	}, {
		"security labels", "internal/chart/enclose.go",
		"ok && !slices.Contains(marks, mark) {", "ok && !slices.Contains(marks, mark) && mark == \"\" {",
		"side door", "side door", "read", "client system/*.rs", "/hiv",
		1, "",
	}, {
		"scopes", "internal/identity/scope.go",
		"if one.Type == typ || one.Type == AnyType {", "if one.Type != \"\" {",
		"side door", "side door", "read", "by an app of one type", "",
		2, "",
	}, {
		"what scopes are narrowed by", "internal/chart/scopes.go",
		"if actor.Kind != identity.KindClient && actor.ClientID == \"\" {", "if actor.Kind != \"\" {",
		"side door", "side door", "read", "category=laboratory", "",
		1, "",
	}, {
		"patient in the context of a token", "internal/chart/scopes.go",
		"if !holds(one, patients) {", "if !holds(one, patients) && actor.PatientContext == \"\" {",
		"side door", "side door", "read", "doctor by an app of one patient", "ward",
		1, "",
	}, {
		"elements that a role is not shown", "internal/chart/minimum.go",
		"if res.Resource == nil || c.policy.Hides(actor) == nil {", "if res.Resource == nil || c.policy.Hides(actor) != nil {",
		"side door", "legitimate", "read", "billing", "",
		1, "",
	}, {
		"parameters that read what is not shown", "internal/chart/minimum.go",
		"part = whole; hides != nil {", "part = whole; hides != nil && name == \"\" {",
		"redacted", "redacted fields", "", "billing", "",
		1, "",
	}, {
		"decision on histories", "internal/chart/read.go",
		"\tres, allowed, err := c.stand(actor).permit(ctx, action, res)\n",
		"\twhole := res\n\tres, allowed, err := c.stand(actor).permit(ctx, action, res)\n\tif action == authz.History {\n\t\tres, allowed = whole, true\n\t}\n",
		"side door", "side door", "history of a record", "", "none",
		1, "",
	}, {
		"owner of a job", "internal/job/ask.go",
		"!t.job.of(actor) ||", "",
		"jobs", "job of somebody else", "job", "", "",
		1, "",
	}, {
		"owner of a page link", "internal/chart/page.go",
		"[]string{string(actor.Kind), actor.ID, sr.Address()", "[]string{sr.Address()",
		"page links", "page token of somebody else", "page link", "", "",
		1, "",
	}, {
		"second factor", "internal/identity/signin.go",
		"!matched && !recovered {", "!matched && !recovered && code == \"\" {",
		"second factor", "second factor", "POST /sign-in/code", "", "code:",
		1, "",
	}, {
		"epoch of a session", "internal/identity/upstream_end.go",
		"!s.bears(a, rec.Upstream) || a.Epoch != rec.Epoch {", "!s.bears(a, rec.Upstream) {",
		"access that ended", "access that ended", "page", "gone", "password changed",
		1, "",
	}, {
		"an app that was ended", "internal/identity/connection.go",
		"if !c.Ended.IsZero() || ", "if ",
		"access that ended", "access that ended", "read", "gone", "app revoked",
		1, "",
	}, {
		"forms of other sites", "cmd/wardkeep/app/handler.go",
		"web.OwnForms(pages)", "pages",
		"CSRF", "CSRF", "/find", "", "evil.example.org",
		1, "",
	}, {
		"audience of an assertion", "internal/identity/assertion.go",
		"len(claims.Audience) != 1 || !slices.Contains(audiences, claims.Audience[0])", "len(claims.Audience) == 0 && !slices.Contains(audiences, \"\")",
		"client assertion", "client assertion", "token endpoint", "", "wrong audience",
		1, "",
	}, {
		"an assertion taken once", "internal/identity/assertion.go",
		"if found {\n\t\treturn errAssertion(\"jti was used before\")", "if found && used == false && client == \"\" {\n\t\treturn errAssertion(\"jti was used before\")",
		"replay", "replay and theft", "token endpoint", "", "used twice",
		1, "",
	}, {
		"redirect_uri as registered", "internal/smart/authorize.go",
		"if !slices.Contains(client.RedirectURIs, to) {\n\t\treturn request, \"\",", "if to == \"\" {\n\t\treturn request, \"\",",
		"authorization", "redirect tricks", "", "", "",
		1, "",
	}, {
		"PKCE", "internal/identity/consent.go",
		"case !proves(verifier, rec.Challenge):", "case !proves(verifier, rec.Challenge) && verifier == \"\":",
		"replay", "replay and theft", "token endpoint", "", "another verifier",
		1, "",
	}, {
		"denials by Consents", "internal/chart/consents.go",
		"return p.now(l.clock) && l.named(p) && (len(p.purposes) == 0 || purpose)", "return l.named(p) && purpose && p.permit",
		"wishes", "consent-deny", "read", "doctor", "consent-deny doctor",
		1, "",
	}, {
		"Consents at once", "internal/chart/consents.go",
		"if r.byID != nil && r.writes == writes && now.Sub(r.at) < panelLife {", "if r.byID != nil {",
		"revocations", "consent-new", "the very next request", "doctor", "deny",
		1, "",
	}, {
		"purpose of one's work", "internal/chart/consents.go",
		"append(works(l.actor), l.actor.Purpose)", "[]string{l.actor.Purpose}",
		"wishes", "consent-deny", "read", "doctor for HRESCH", "treatment",
		1, "",
	}, {
		"work for what is stated", "internal/authz/purpose.go",
		"if Serves(a.Purpose, p.serves[role]) {", "if p.serves[role] != nil {",
		"wishes", "consent-permit", "read", "doctor for HPAYMT", "",
		1, "",
	}, {
		"work for what pages are told", "internal/portal/purpose.go",
		"if !slices.Contains(p.cfg.Purposes.WorksFor(actor), purpose) {", "if actor.ID == \"\" {",
		"pages", "purpose", "POST /purpose", "", "",
		1, "",
	}, {
		"purpose that is stated", "internal/fhirhttp/purpose.go",
		"actor.Purpose = code", "_ = code",
		"wishes", "consent-deny", "read", "doctor for HRESCH", "research",
		1, "",
	}, {
		"nobody permits herself", "internal/chart/consent_write.go",
		"if names(next, who.refs,", "if old != nil && names(next, who.refs,",
		"papers", "consents written", "create: a permission for oneself", "registration", "",
		1, "",
	}, {
		"who decides on harm", "internal/chart/hold_write.go",
		"} else if !ok {\n\t\t\treturn errDecides", "} else if !ok && actor.ID == \"\" {\n\t\t\treturn errDecides",
		"papers", "consents written", "hold: by who may not decide", "", "",
		1, "",
	}, {
		"holds", "internal/chart/hold.go",
		"if !h.now(l.clock) || ", "if h.ground != \"\" || ",
		"wishes", "held", "read", "patient with a record", "held for harm",
		1, "",
	}, {
		"what a minor keeps", "internal/chart/discreet.go",
		"s.census.minors.AdultAge == 0 {", "s.census.minors.AdultAge > 0 {",
		"wishes", "minor", "read", "proxy", "minor of 15",
		1, "",
	}, {
		"one's own record", "internal/chart/census.go",
		"if mark == authz.LabelOwn {\n\t\treturn c.himself(ctx, actor)", "if mark == authz.LabelOwn {\n\t\treturn vault.PatientSet{}, nil",
		"wishes", "own", "read", "doctor with a record", "own record",
		1, "",
	}, {
		"who acts for a patient no more", "internal/chart/who.go",
		"return root.Get(\"active\").Text() != \"false\" && c.begun(root.Get(\"period\")) && !c.over(root.Get(\"period\"))", "return c.begun(root.Get(\"period\"))",
		"revocations", "proxy-revoked", "read", "proxy", "inactive",
		1, "",
	}, {
		"parents of who has come of age", "internal/chart/team.go",
		"return err == nil && !lapsed", "return err == nil && (!lapsed || account != \"\")",
		"wishes", "minor", "read", "proxy", "of age",
		1, "",
	}, {
		"masked numbers", "internal/chart/mask.go",
		"if res.Resource == nil || seesWhole(actor) {\n\t\treturn res, nil", "if res.Resource == nil || actor.ID != \"\" {\n\t\treturn res, nil",
		"numbers", "masked numbers", "identifier", "", "",
		1, "",
	}, {
		"purpose of a whole number", "internal/chart/mask.go",
		"if !stated {\n\t\treturn Resource{}, errPurpose", "if !stated && actor.ID == \"\" {\n\t\treturn Resource{}, errPurpose",
		"numbers", "unmask", "$unmask for SYSADMN", "registration", "",
		1, "",
	}, {
		"a house by the connection alone", "internal/web/hosts.go",
		"name := hostName(r.Host)\n\t\tsite, known := h[name]\n\t\tif !known || r.TLS == nil ||", "name := small(r.TLS.ServerName)\n\t\tsite, known := h[name]\n\t\tif !known || r.TLS == nil ||",
		"tenants: names", "cross-tenant name", "read, Host", "", "",
		1, "",
	}, {
		"a house by the request alone", "internal/web/hosts.go",
		"if !known || r.TLS == nil || small(r.TLS.ServerName) != name ||", "if !known || r.TLS == nil ||",
		"tenants: names", "cross-tenant name", "read, HTTP/2", "", "",
		1, "",
	}, {
		"tickets of one name", "internal/web/hosts.go",
		"return string(name) == small(state.ServerName)", "return string(name) != \"\"",
		"tenants: names", "cross-tenant name", "read, ticket", "", "their TLS session",
		1, "",
	}, {
		"audience of an assertion, between houses", "internal/identity/assertion.go",
		"len(claims.Audience) != 1 || !slices.Contains(audiences, claims.Audience[0])", "len(claims.Audience) == 0 && !slices.Contains(audiences, \"\")",
		"tenants: programs", "cross-tenant assertion", "token endpoint", "", "of our program, for them",
		1, "",
	}, {
		"authorities of each house", "cmd/wardkeep/app/house.go",
		"return pool, nil", "return among(pool, text), nil",
		"tenants: programs", "cross-tenant certificate", "token endpoint for certificates", "", "",
		1, "\nvar believed = x509.NewCertPool()\n\nfunc among(_ *x509.CertPool, text []byte) *x509.CertPool {\n\tbelieved.AppendCertsFromPEM(text)\n\treturn believed\n}\n",
	}, {
		"sessions of each house", "internal/identity/service.go",
		"&sessionCache{byID: map[string]*live{}}", "everybodys",
		"tenants: sessions", "cross-tenant session", "", "", "the moment after",
		1, "\nvar everybodys = &sessionCache{byID: map[string]*live{}}\n",
	}, {
		"tokens of each house", "internal/identity/service.go",
		"&tokenCache{byID: map[string]liveToken{}}", "everybodys",
		"tenants: tokens", "cross-tenant token", "read", "", "the moment after",
		1, "\nvar everybodys = &tokenCache{byID: map[string]liveToken{}}\n",
	}, {
		"throttles of each house", "internal/identity/service.go",
		"throttle: &throttle{records: cfg.Records,", "throttle: &throttle{records: ofTheFirst(cfg.Records),",
		"tenants: throttles", "cross-tenant throttle", "", "", "namesake",
		1, "\nvar first Records\n\nfunc ofTheFirst(r Records) Records {\n\tif first == nil {\n\t\tfirst = r\n\t}\n\treturn first\n}\n",
	},
}
