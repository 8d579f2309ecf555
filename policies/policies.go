// Package policies holds the access rules that a privacy officer reads: one
// file for each role, in Cedar, with the meaning of every rule in plain words.
// Package authz refuses to start if one of them does not hold to the schema.
package policies

import "embed"

// Files are the rules, the schema and the list of types as they were when the
// program was built. A running server cannot be given others.
//
//go:embed *.cedar wardkeep.cedarschema types.txt
var Files embed.FS
