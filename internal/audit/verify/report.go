package verify

import (
	"fmt"
	"strconv"
	"strings"
)

// Code names a kind of problem.
type Code string

// What can be wrong.
const (
	CodeNoTree        Code = "no-tree"        // the store holds no audit tree
	CodeCell          Code = "cell"           // one of the log's own cells is missing or malformed
	CodeSignature     Code = "signature"      // a checkpoint is not signed by the key
	CodeHandOver      Code = "hand-over"      // one key following another is not signed by both
	CodeUnsigned      Code = "unsigned"       // leaves that no checkpoint in the store covers
	CodeRollback      Code = "rollback"       // the store is older than the pinned checkpoint
	CodeFork          Code = "fork"           // the store does not contain the pinned checkpoint
	CodeOtherTree     Code = "other-tree"     // the pinned checkpoint is of an unrelated tree
	CodeSuccessor     Code = "successor"      // a tree continues another one without a right declaration
	CodeRoot          Code = "root"           // the leaves do not make up the root
	CodeTile          Code = "tile"           // a tile was altered
	CodeMap           Code = "map"            // the table of leaves was altered
	CodeMark          Code = "mark"           // a shard's mark does not agree with the tree
	CodeEntryMissing  Code = "entry-missing"  // an entry was removed
	CodeEntryAltered  Code = "entry-altered"  // an entry was changed
	CodeEntryMoved    Code = "entry-moved"    // an entry lies at another's place
	CodeEntryForged   Code = "entry-forged"   // an entry was not made by a holder of its shard's key
	CodeEntryOrder    Code = "entry-order"    // an entry does not follow the one before it
	CodeEntryClosed   Code = "entry-closed"   // an accountability part does not open
	CodeContent       Code = "content"        // a content part was altered
	CodeShard         Code = "shard"          // a shard is not registered, or its key does not open
	CodeRowMissing    Code = "row-missing"    // a version that was written is gone
	CodeRowExtra      Code = "row-extra"      // a version that no entry names
	CodeRowAltered    Code = "row-altered"    // a version does not hold what was written
	CodeRowSwapped    Code = "row-swapped"    // a version holds what was written as another one
	CodeRowTwice      Code = "row-twice"      // two entries name one version
	CodeRowCurrent    Code = "row-current"    // an old version passes for the current one
	CodeRowUnreadable Code = "row-unreadable" // a version's content does not open
	CodeRowTime       Code = "row-time"       // a version's time is not that of its entry
	CodePosting       Code = "posting"        // the index of entries was altered
	CodeSpool         Code = "spool"          // entries that came by a spool are missing, or there twice
	CodeFile          Code = "damaged-file"   // the engine cannot read its files
	CodeIndex         Code = "index"          // tokens or edges are not those that were written
)

// Severity says how bad a finding is.
type Severity string

// Severities.
const (
	Error   Severity = "error"   // evidence was altered, removed or put back
	Warning Severity = "warning" // nothing is known to be wrong, but somebody should look
)

// Finding is one problem.
type Finding struct {
	Severity Severity `json:"severity"`
	Code     Code     `json:"code"`
	Text     string   `json:"text"`
	Tree     string   `json:"tree,omitempty"`
	Leaf     *uint64  `json:"leaf,omitempty"`
	Shard    string   `json:"shard,omitempty"`
	Counter  uint64   `json:"counter,omitempty"`
	Record   string   `json:"record,omitempty"`
	Version  uint64   `json:"version,omitempty"`
	Position uint64   `json:"position,omitempty"`
}

// Report is the outcome of a verification.
type Report struct {
	OK       bool      `json:"ok"` // no findings
	Findings []Finding `json:"findings"`
	More     int       `json:"moreFindings,omitempty"` // beyond those listed

	Origin   string `json:"origin"`
	Trees    int    `json:"trees"`
	Leaves   uint64 `json:"leaves"`  // of all trees
	Size     uint64 `json:"size"`    // of the current tree
	Signed   uint64 `json:"signed"`  // of its newest checkpoint
	Root     string `json:"root"`    // of the current tree, rehashed from its leaves
	Pending  uint64 `json:"pending"` // entries not yet in the tree
	Shards   int    `json:"shards"`
	Written  uint64 `json:"written"` // versions named by entries
	Rows     uint64 `json:"rows"`
	Contents uint64 `json:"contents"`          // content parts present
	Removed  uint64 `json:"removedContent"`    // content parts removed
	Spooled  uint64 `json:"spooled,omitempty"` // entries that came by a spool
	// SpoolAlarms are entries that tell of a spool altered, cut, exchanged or gone.
	SpoolAlarms uint64   `json:"spoolAlarms,omitempty"`
	Successors  []string `json:"successors,omitempty"`
	HandOvers   []string `json:"handOvers,omitempty"` // from key to key
	Skipped     []string `json:"skipped,omitempty"`   // checks that could not be made, and why
}

// Damaged is the report on files that the engine cannot even open. err MUST be
// an engine's error, which holds no value.
func Damaged(err error) *Report {
	return &Report{Findings: []Finding{{Severity: Error, Code: CodeFile, Text: "the engine finds its files damaged: " + err.Error()}}}
}

// maxFindings bounds the list; a destroyed store would fill the memory.
const maxFindings = 1000

func (r *Report) add(f Finding) {
	if f.Severity == "" {
		f.Severity = Error
	}
	if len(r.Findings) == maxFindings {
		r.More++
		return
	}
	r.Findings = append(r.Findings, f)
}

// String returns the report for people.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "tree       %s\n", r.Origin)
	fmt.Fprintf(&b, "leaves     %s in %d tree(s), current size %s, signed to %s\n", number(r.Leaves), r.Trees, number(r.Size), number(r.Signed))
	fmt.Fprintf(&b, "root       %s\n", r.Root)
	fmt.Fprintf(&b, "shards     %d, %s entries pending\n", r.Shards, number(r.Pending))
	fmt.Fprintf(&b, "versions   %s in the store, %s named by entries\n", number(r.Rows), number(r.Written))
	fmt.Fprintf(&b, "content    %s parts, %s removed\n", number(r.Contents), number(r.Removed))
	if r.Spooled > 0 {
		fmt.Fprintf(&b, "spooled    %s entries were kept in a spool while the log could not be written\n", number(r.Spooled))
	}
	if r.SpoolAlarms > 0 {
		fmt.Fprintf(&b, "spools     %s found altered, cut, exchanged or gone: see the entries %q\n", number(r.SpoolAlarms), ActionSpoolDamaged)
	}
	for _, s := range r.Successors {
		fmt.Fprintf(&b, "successor  %s\n", s)
	}
	for _, h := range r.HandOvers {
		fmt.Fprintf(&b, "key        %s\n", h)
	}
	for _, s := range r.Skipped {
		fmt.Fprintf(&b, "not done   %s\n", s)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-10s %s: %s%s\n", strings.ToUpper(string(f.Severity)), f.Code, f.Text, f.place())
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "and %d more\n", r.More)
	}
	if r.OK {
		b.WriteString("OK         nothing was found wrong\n")
	} else {
		fmt.Fprintf(&b, "FAILED     %d finding(s)\n", len(r.Findings)+r.More)
	}
	return b.String()
}

func (f *Finding) place() string {
	var parts []string
	if f.Leaf != nil {
		parts = append(parts, "leaf "+number(*f.Leaf))
	}
	if f.Shard != "" {
		parts = append(parts, "shard "+f.Shard)
	}
	if f.Counter > 0 {
		parts = append(parts, "entry "+number(f.Counter))
	}
	if f.Record != "" {
		parts = append(parts, fmt.Sprintf("record %s version %d", f.Record, f.Version))
	}
	if f.Position > 0 {
		parts = append(parts, "position "+number(f.Position))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// number writes n with its thousands apart.
func number(n uint64) string {
	s := strconv.FormatUint(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func shardName(shard uint64) string { return fmt.Sprintf("%016x", shard) }
