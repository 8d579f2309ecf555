package posting

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/store"
)

// fewKeys is up to how many lists a union is read list by list while walking;
// longer ones are gathered first.
const fewKeys = 8

// Query is a compiled expression over one snapshot. It is walked once, or
// counted once, and then closed. It is not safe for concurrent use.
type Query struct {
	src  Source
	root node
	dir  direction
	dead bool // dead members are members too
}

// Compile prepares an expression to be walked upwards, or downwards. Joins and
// targets are evaluated here; all else while walking.
func Compile(ctx context.Context, src Source, e store.Expr, down bool) (*Query, error) {
	c := compiler{src: src, dir: direction(down)}
	root, err := c.node(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	return &Query{src: src, root: root, dir: c.dir}, nil
}

// Versions prepares a walk over every version of a class, dead ones included.
func Versions(src Source, class record.Token, down bool) (*Query, error) {
	c := compiler{src: src, dir: direction(down)}
	root, err := c.leaf(List{Kind: ByClass, Token: class})
	if err != nil {
		return nil, fmt.Errorf("versions: %w", err)
	}
	return &Query{src: src, root: root, dir: c.dir, dead: true}, nil
}

// Close releases the cursors.
func (q *Query) Close() error { return q.root.close() }

// Positions yields the members beyond after in the order walked; after 0
// means from the start. An error ends the walk.
func (q *Query) Positions(ctx context.Context, after record.Position) iter.Seq2[record.Position, error] {
	return func(yield func(record.Position, error) bool) {
		for c, err := range q.chunks(ctx, after) {
			if err != nil {
				yield(0, err)
				return
			}
			for low := range c.members(q.dir) {
				p := c.at.Position(low)
				if after != 0 && !q.beyond(p, after) {
					continue
				}
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// Count returns the number of live members.
func (q *Query) Count(ctx context.Context) (int, error) {
	n := 0
	for c, err := range q.chunks(ctx, 0) {
		if err != nil {
			return 0, err
		}
		n += c.set.Len()
	}
	return n, nil
}

func (q *Query) beyond(p, after record.Position) bool {
	if q.dir {
		return p < after
	}
	return p > after
}

// part is the live members of one chunk.
type part struct {
	at  Chunk
	set *Set
}

func (p part) members(dir direction) iter.Seq[uint16] {
	if dir {
		return p.set.Backward()
	}
	return p.set.All()
}

// chunks yields the non-empty parts from the chunk of after on.
func (q *Query) chunks(ctx context.Context, after record.Position) iter.Seq2[part, error] {
	return func(yield func(part, error) bool) {
		c, _ := Locate(after)
		if after == 0 && bool(q.dir) {
			c, _ = Locate(q.src.Last())
		}
		var set, dead Set
		for {
			at, ok, err := q.root.seek(c)
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && ok {
				err = q.live(at, &set, &dead)
			}
			if err != nil {
				yield(part{}, err)
				return
			}
			if !ok || set.Len() > 0 && !yield(part{at, &set}, nil) {
				return
			}
			if c, ok = q.dir.next(at); !ok {
				return
			}
		}
	}
}

// live fills set with the members of a chunk that are not dead.
func (q *Query) live(at Chunk, set, dead *Set) error {
	if err := q.root.load(at, set); err != nil || q.dead || set.Len() == 0 {
		return err
	}
	if err := q.src.Dead(at, dead); err != nil {
		return err
	}
	set.Subtract(dead)
	return nil
}

// compiler turns expressions into nodes.
type compiler struct {
	src  Source
	dir  direction
	from Chunk // what lies below it need not be found
}

func (c compiler) node(ctx context.Context, e store.Expr) (node, error) {
	switch e := e.(type) {
	case nil:
		return none{}, nil
	case store.Has:
		return c.leaf(List{Kind: ByToken, Token: e.Token})
	case store.All:
		return c.leaf(List{Kind: ByClass, Token: e.Class})
	case store.To:
		return c.to(ctx, e.Rel, e.Keys)
	case store.Join:
		return c.join(ctx, e)
	case store.Targets:
		return c.targets(ctx, e)
	case store.Is:
		return c.is(ctx, e.Keys)
	case store.During:
		return c.during(e)
	case store.Often:
		return c.often(ctx, e)
	case store.And:
		if len(e) == 0 {
			return nil, fmt.Errorf("empty And: %w", store.ErrInvalid)
		}
		kids, err := c.nodes(ctx, e)
		return &and{kids: kids, dir: c.dir}, err
	case store.Or:
		kids, err := c.nodes(ctx, e)
		kids = slices.DeleteFunc(kids, func(n node) bool { return n == none{} })
		switch len(kids) {
		case 0:
			return none{}, err
		case 1:
			return kids[0], nil
		}
		return &or{kids: kids, dir: c.dir}, err
	case store.Minus:
		kids, err := c.nodes(ctx, []store.Expr{e.Of, e.Without})
		if err != nil {
			return nil, err
		}
		if kids[1] == (none{}) {
			return kids[0], nil
		}
		return &minus{of: kids[0], without: kids[1]}, nil
	}
	return nil, fmt.Errorf("unknown form: %w", store.ErrInvalid)
}

func (c compiler) nodes(ctx context.Context, es []store.Expr) ([]node, error) {
	kids := make([]node, 0, len(es))
	for _, e := range es {
		k, err := c.node(ctx, e)
		if err != nil {
			return nil, errors.Join(err, closeAll(kids))
		}
		kids = append(kids, k)
	}
	return kids, nil
}

func (c compiler) leaf(l List) (node, error) {
	cursor, err := c.src.Cursor(l, bool(c.dir))
	if err != nil {
		return nil, err
	}
	if cursor == nil {
		return none{}, nil
	}
	return &leaf{cursor: cursor, dir: c.dir}, nil
}

func (c compiler) during(e store.During) (node, error) {
	lo, hi := record.Position(1), c.src.Last()
	if !e.From.IsZero() {
		p, err := c.src.First(e.From)
		if err != nil {
			return nil, err
		}
		lo = p
	}
	if !e.Until.IsZero() {
		p, err := c.src.First(e.Until)
		if err != nil {
			return nil, err
		}
		hi = p - 1
	}
	return &between{lo: lo, hi: hi, dir: c.dir}, nil
}

func (c compiler) to(ctx context.Context, rel record.Token, keys []record.Key) (node, error) {
	if len(keys) > fewKeys {
		f := newFixed(c.dir)
		return f, c.refer(ctx, f, rel, append([]record.Key(nil), keys...))
	}
	o := &or{dir: c.dir}
	for _, k := range keys {
		n, err := c.leaf(List{Kind: ByEdge, Token: rel, Key: k})
		if err != nil {
			return nil, errors.Join(err, o.close())
		}
		o.kids = append(o.kids, n)
	}
	return o, nil
}
