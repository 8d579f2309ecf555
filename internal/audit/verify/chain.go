package verify

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// chain follows one shard from its first entry on, through all trees and on
// into what is pending.
type chain struct {
	*verifier
	shard      uint64
	registered bool
	key        []byte // nil: not known
	mark       Mark
	known      bool // mark.Link is what the next entry must carry
	ahead      []store.Entry
}

// chain returns the chain of a shard, met for the first time or again.
func (v *verifier) chain(shard uint64) *chain {
	if c := v.chains[shard]; c != nil {
		return c
	}
	c := &chain{verifier: v, shard: shard, known: true, mark: Mark{Link: ChainStart(v.Tenant, shard)}}
	v.chains[shard] = c
	value, err := v.cell(record.SpaceShard, ShardName(shard))
	registered, parseErr := ParseShard(value)
	switch {
	case err != nil || value == nil:
		c.find(Finding{Code: CodeShard, Text: "the tree holds entries of a shard that is not registered"})
		return c
	case parseErr != nil:
		c.find(Finding{Code: CodeShard, Text: "a shard's registration is malformed"})
		return c
	}
	c.registered = true
	if v.Open != nil {
		if c.key, err = v.Open(ShardAAD(v.Tenant, shard, registered.Opened), registered.SealedKey); err != nil {
			c.key = nil
			c.find(Finding{Code: CodeShard, Text: "a shard's chain key does not open"})
		}
	}
	return c
}

func (c *chain) find(f Finding) {
	f.Shard = shardName(c.shard)
	c.verifier.find(f)
}

// readAhead is how many entries are read at once.
const readAhead = 256

// next returns the bytes of the next entry, nil if there is none.
func (c *chain) next() ([]byte, error) {
	want := c.mark.Counter + 1
	if len(c.ahead) == 0 || c.ahead[0].Counter != want {
		var err error
		if c.ahead, err = c.Store.Log(c.ctx, c.shard, want, readAhead); err != nil {
			return nil, fmt.Errorf("read the log: %w", err)
		}
	}
	if len(c.ahead) == 0 || c.ahead[0].Counter != want {
		return nil, nil
	}
	raw := c.ahead[0].Bytes
	c.ahead = c.ahead[1:]
	return raw, nil
}

// skip goes one entry on without looking at it.
func (c *chain) skip() {
	c.mark.Counter++
	c.known = false
}

// missing tells that the next entry is gone.
func (c *chain) missing(leaf *uint64) {
	c.find(Finding{Code: CodeEntryMissing, Leaf: leaf, Counter: c.mark.Counter + 1, Text: "an entry was removed"})
	c.skip()
}

// check checks the next entry by itself and against the one before it. It
// returns nil if the bytes cannot be believed to be this place's entry, its
// accountability part if that can be opened, and whether it told of a defect.
func (c *chain) check(raw []byte, leaf *uint64) (e *Entry, account *Account, told bool) {
	at := Finding{Leaf: leaf, Counter: c.mark.Counter + 1}
	tell := func(code Code, text string) {
		at.Code, at.Text = code, text
		c.find(at)
		told = true
	}
	e, err := ParseEntry(raw)
	if err != nil {
		tell(CodeEntryAltered, "an entry does not agree with its own digests")
		c.skip()
		return nil, nil, true
	}
	if e.Shard != c.shard || e.Counter != at.Counter {
		tell(CodeEntryMoved, fmt.Sprintf("here lies entry %s of shard %s", number(e.Counter), shardName(e.Shard)))
		c.skip()
		return nil, nil, true
	}
	authentic := c.key == nil || CheckMAC(raw, c.key)
	switch {
	case !authentic:
		tell(CodeEntryForged, "an entry was changed or made by somebody without the shard's key")
	case c.known && e.Prev != c.mark.Link:
		tell(CodeEntryOrder, "an entry does not follow the one before it")
	case e.Time.Before(c.mark.Time):
		tell(CodeEntryOrder, "an entry is older than the one before it")
	}
	c.mark = Mark{Counter: e.Counter, Link: Link(raw), Time: e.Time}
	c.known = authentic
	if !authentic {
		return nil, nil, true
	}
	if c.rows != nil && e.Flags&FlagStatement == 0 {
		plain, err := c.Open(AccountAAD(c.Tenant, e.Shard, e.Content), e.Account)
		var parseErr error
		account, parseErr = ParseAccount(plain)
		if err != nil || parseErr != nil {
			tell(CodeEntryClosed, "an entry's accountability part does not open")
			return e, nil, true
		}
		c.spooled(account, at)
		c.rows.named(account.Written, e)
		c.rows.sealedAnew(account.Amended, e)
	}
	return e, account, told
}

// checkContents checks that the content parts that are still there are those
// that were logged. A part that is gone is no finding: it may be shredded.
func (v *verifier) checkContents(digests [][32]byte) error {
	names := make([][]byte, len(digests))
	for i := range digests {
		names[i] = digests[i][:]
	}
	if len(names) == 0 {
		return nil
	}
	values, err := v.Store.Cells(v.ctx, record.SpaceContent, names)
	if err != nil {
		return fmt.Errorf("read content parts: %w", err)
	}
	for i, value := range values {
		switch {
		case value == nil:
			v.report.Removed++
		case sha256.Sum256(value) != digests[i]:
			v.find(Finding{Code: CodeContent, Text: fmt.Sprintf("the content part %x was altered", digests[i])})
		default:
			v.report.Contents++
		}
	}
	return nil
}

// checkShards follows every chain to its end, beyond what the trees hold.
func (v *verifier) checkShards() error {
	var shards []uint64
	err := v.Store.Scan(v.ctx, record.SpaceShard, nil, nil, func(name, _ []byte) error {
		if len(name) != 8 {
			v.find(Finding{Code: CodeShard, Text: "a shard's registration has a malformed name"})
			return nil
		}
		shards = append(shards, binary.BigEndian.Uint64(name))
		return nil
	})
	if err != nil {
		return fmt.Errorf("list shards: %w", err)
	}
	v.report.Shards = len(shards)
	for _, shard := range shards {
		c := v.chain(shard)
		if err := c.checkMark(); err != nil {
			return err
		}
		if err := c.pending(); err != nil {
			return err
		}
	}
	return nil
}

// checkMark checks that the store's word on how far the shard was taken into
// the tree is the tree's own.
func (c *chain) checkMark() error {
	value, err := c.cell(record.SpaceTree, MarkName(c.shard))
	if err != nil {
		return err
	}
	if value == nil && c.mark.Counter == 0 {
		return nil
	}
	mark, err := ParseMark(value)
	if err != nil || mark.Counter != c.mark.Counter || (c.known && !bytes.Equal(value, c.mark.Append(nil))) {
		c.find(Finding{Code: CodeMark, Counter: c.mark.Counter,
			Text: "the shard's mark does not say what the tree holds of it"})
	}
	return nil
}

// gap is how far beyond a missing entry others are looked for.
const gap = 1024

// pending follows the entries that are not yet in a tree.
func (c *chain) pending() error {
	var contents [][32]byte
	for {
		raw, err := c.next()
		if err != nil {
			return err
		}
		if raw == nil {
			later, err := c.beyondGap()
			if err != nil {
				return err
			}
			if later == 0 {
				break
			}
			for c.mark.Counter+1 < later {
				c.missing(nil)
			}
			continue
		}
		c.report.Pending++
		if e, _, _ := c.check(raw, nil); e != nil && e.Content != ([32]byte{}) {
			contents = append(contents, e.Content)
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
	}
	return c.checkContents(contents)
}

// beyondGap looks for entries after one that is not there, and returns the
// counter of the first, 0 if there are none.
func (c *chain) beyondGap() (uint64, error) {
	for counter := c.mark.Counter + 2; counter <= c.mark.Counter+gap; counter++ {
		entries, err := c.Store.Log(c.ctx, c.shard, counter, 1)
		if err != nil {
			return 0, fmt.Errorf("read the log: %w", err)
		}
		if len(entries) > 0 && entries[0].Counter == counter {
			return counter, nil
		}
	}
	return 0, nil
}
