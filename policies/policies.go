// Package policies holds the access rules that a privacy officer reads: one
// file for each role, in Cedar, with the meaning of every rule in plain words.
// Package authz refuses to start if one of them does not hold to the schema.
package policies

import "embed"

// Files are the rules, the schema, the list of types and the tables of what each
// role sees, as they were when the program was built. Over lays an organisation's own
// over them; a running server cannot be given others.
//
//go:embed *.cedar wardkeep.cedarschema types.txt fields.txt monitoring.txt confidential.txt purposes.txt
var Files embed.FS
