package audit

import (
	"context"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/audit/verify"
	"github.com/wardkeep/wardkeep/internal/store"
)

// ChainError says where a shard's chain does not hold.
type ChainError struct {
	Shard   uint64
	Counter uint64
	Problem string
}

func (e *ChainError) Error() string {
	return fmt.Sprintf("entry %d of audit shard %016x %s", e.Counter, e.Shard, e.Problem)
}

// checkLink checks that an entry is the next one of its chain, and made by a
// holder of the shard's key.
func (l *Log) checkLink(ctx context.Context, shard uint64, mark verify.Mark, stored store.Entry) (verify.Mark, error) {
	want := mark.Counter + 1
	bad := func(problem string) (verify.Mark, error) {
		return mark, &ChainError{Shard: shard, Counter: want, Problem: problem}
	}
	if stored.Counter != want {
		return bad("is missing")
	}
	e, err := verify.ParseEntry(stored.Bytes)
	switch {
	case err != nil:
		return bad("is damaged")
	case e.Shard != shard || e.Counter != want:
		return bad("is another entry")
	case e.Prev != mark.Link:
		return bad("does not follow the one before it")
	case e.Time.Before(mark.Time):
		return bad("is older than the one before it")
	}
	key, err := l.keys.get(ctx, l, shard)
	if err != nil {
		return mark, err
	}
	if !verify.CheckMAC(stored.Bytes, key) {
		return bad("was not written by its process")
	}
	return verify.Mark{Counter: want, Link: verify.Link(stored.Bytes), Time: e.Time}, nil
}
