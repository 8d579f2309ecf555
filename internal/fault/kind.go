package fault

// kindText pairs each kind with its short name and the sentence shown when a
// fault carries no text of its own.
var kindText = [...]struct{ name, sentence string }{
	Internal:        {"internal", "Something went wrong on our side. Nothing was changed."},
	Invalid:         {"invalid", "The request is not well formed."},
	Unprocessable:   {"unprocessable", "The request is well formed, but breaks a rule."},
	Unauthenticated: {"unauthenticated", "Sign in first."},
	Denied:          {"denied", "You may not do this."},
	NotFound:        {"not found", "There is nothing here, or it is not for you."},
	Gone:            {"gone", "This has been deleted."},
	Conflict:        {"conflict", "Somebody else changed this at the same time. Read it again and retry."},
	Precondition:    {"precondition failed", "The record is not in the state the request assumes."},
	TooLarge:        {"too large", "The request is over a size limit."},
	MediaType:       {"unsupported media type", "Send application/fhir+json or application/fhir+xml."},
	NotAcceptable:   {"not acceptable", "Only application/fhir+json and application/fhir+xml are served."},
	NotSupported:    {"not supported", "This is not supported."},
	NotAllowed:      {"method not allowed", "This address does not take that method."},
	TooCostly:       {"too costly", "This would take too much work for one request. Narrow it."},
	Throttled:       {"throttled", "Too many requests. Wait a little."},
	Unavailable:     {"unavailable", "The store, the keys or the audit log cannot be used right now. Nothing was changed."},
}

// String returns the kind's short name.
func (k Kind) String() string { return kindText[k].name }

// Sentence returns the kind's own public sentence.
func (k Kind) Sentence() string { return kindText[k].sentence }
