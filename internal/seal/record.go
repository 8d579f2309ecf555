package seal

import (
	"context"
	"errors"
	"slices"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

// Sealed is what the store may see, and what must be committed with it.
type Sealed struct {
	Body []byte
	Card []byte
	// Cells and Guards create the keys of subjects seen for the first time.
	// They MUST be in the batch that carries Body and Card. If a guard fails,
	// everything of the batch is sealed again.
	Cells  []record.Cell
	Guards []record.Guard
}

const recordInfo = "record"

var errRef = errors.New("a version needs a type, a key and a number")

// Seal seals one version. subjects are the keys of the patients in whose
// compartment it is; each of them alone suffices to open it. Without any it is
// sealed for its type. Several versions of one batch are better sealed through
// a Batch.
func (s *Sealer) Seal(ctx context.Context, ref Ref, subjects []record.Key, body, card []byte) (Sealed, error) {
	const op = "seal.Seal"
	owners, err := ref.owners(subjects)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	holders, err := s.hold(ctx, owners)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	out, err := s.sealVersion(ref, holders, body, card)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	out.carry(holders)
	return out, nil
}

func (r Ref) owners(subjects []record.Key) ([]owner, error) {
	if r.Type == "" || r.Key.IsZero() || r.Version == 0 {
		return nil, errRef
	}
	return ownersOf(subjects, owner{kind: typeKind, name: r.Type})
}

// carry adds the cells of keys that are not in the store yet.
func (s *Sealed) carry(holders []held) {
	for i := range holders {
		if c := holders[i].cell; c != nil {
			s.Cells = append(s.Cells, *c)
			s.Guards = append(s.Guards, absent(*c))
		}
	}
}

func (s *Sealer) sealVersion(ref Ref, holders []held, body, card []byte) (Sealed, error) {
	content, key, err := box.NewContent(s.random, recordInfo)
	if err != nil {
		return Sealed{}, err
	}
	defer content.Wipe()
	defer clear(key[:])
	mem := s.borrow()
	defer s.giveBack(mem)
	mem.thing = ref.appendTo(append(mem.thing[:0], useCard))

	text := padCard(card)
	out := make([]byte, 0, headSize(len(holders))+len(text)+box.PartOverhead)
	out = s.appendHead(out, holders, mem, &key)
	out = append(out, content.Commitment()...)
	mem.aad = s.cardAAD(mem.aad[:0], ref, out)
	out = content.Seal(out, box.Card, mem.aad, text)

	var sealedBody []byte
	err = s.codec.pack(body, func(text []byte) {
		mem.aad = s.bodyAAD(mem.aad[:0], ref)
		sealedBody = content.Seal(nil, box.Body, mem.aad, text)
	})
	return Sealed{Body: sealedBody, Card: out}, err
}

// Opened is a version whose card has been opened. It is not safe for
// concurrent use.
type Opened struct {
	Card     []byte
	Subjects []record.Key // the patients it was sealed for, in order

	sealer  *Sealer
	content *box.Content
	ref     Ref
}

// OpenCard opens a sealed card and, with it, the way to the body. It fails with
// ErrForged if any byte or anything in ref is not what was sealed, and with
// ErrNoKey if the keys of all its subjects have been removed.
func (s *Sealer) OpenCard(ctx context.Context, ref Ref, sealedCard []byte) (*Opened, error) {
	const op = "seal.OpenCard"
	wraps, n, err := parseHead(sealedCard, owner{kind: typeKind, name: ref.Type})
	if err != nil {
		return nil, failed(op, err)
	}
	if len(sealedCard) < n+box.CommitmentSize {
		return nil, failed(op, ErrForged)
	}
	head, part := sealedCard[:n+box.CommitmentSize], sealedCard[n+box.CommitmentSize:]
	mem := s.borrow()
	defer s.giveBack(mem)
	content, err := s.content(ctx, ref, wraps, head[n:], mem)
	if err != nil {
		return nil, failed(op, err)
	}
	mem.aad = s.cardAAD(mem.aad[:0], ref, head)
	text, err := content.Open(nil, box.Card, mem.aad, part)
	if err != nil {
		return nil, failed(op, ErrForged)
	}
	card, err := unpadCard(text)
	if err != nil {
		return nil, failed(op, err)
	}
	return &Opened{Card: card, Subjects: subjectsOf(wraps), sealer: s, content: content, ref: ref}, nil
}

// content returns the Content of a version. One that was opened a while ago is
// still at hand, as long as a key of its owners is: the card binds the whole
// head, and the commitment the keys, so nothing is trusted that was not checked.
func (s *Sealer) content(ctx context.Context, ref Ref, wraps []wrap, commitment []byte, mem *scratch) (*box.Content, error) {
	id := [box.CommitmentSize]byte(commitment)
	if keys, ok := s.cache.content(wraps, id, s.clock.Now()); ok {
		defer clear(keys[:])
		return box.KeptContent(&keys, &id), nil
	}
	mem.thing = ref.appendTo(append(mem.thing[:0], useCard))
	key, by, err := s.unwrap(ctx, wraps, mem)
	if err != nil {
		return nil, err
	}
	defer clear(key[:])
	content, err := box.LoadContent(&key, recordInfo, commitment)
	if err != nil {
		return nil, ErrForged
	}
	s.cache.keep(by, id, content.Keys())
	return content, nil
}

// Body opens the body that was sealed together with the card.
func (o *Opened) Body(sealedBody []byte) ([]byte, error) {
	const op = "seal.Body"
	mem := o.sealer.borrow()
	defer o.sealer.giveBack(mem)
	mem.aad = o.sealer.bodyAAD(mem.aad[:0], o.ref)
	kept := o.sealer.codec.texts.Get().(*[]byte)
	defer o.sealer.codec.texts.Put(kept)
	text, err := o.content.Open((*kept)[:0], box.Body, mem.aad, sealedBody)
	if err != nil {
		return nil, failed(op, ErrForged)
	}
	keepText(kept, text)
	body, err := o.sealer.codec.unpack(text)
	if err != nil {
		return nil, failed(op, err)
	}
	return body, nil
}

func subjectsOf(wraps []wrap) []record.Key {
	if wraps[0].owner.kind != patientKind {
		return nil
	}
	keys := make([]record.Key, len(wraps))
	for i := range wraps {
		keys[i] = wraps[i].owner.key
	}
	return keys
}

// cardAAD binds the whole head, so that no wrap can be added, dropped or
// exchanged.
func (s *Sealer) cardAAD(dst []byte, ref Ref, head []byte) []byte {
	return append(ref.appendTo(s.context(dst, useCard)), head...)
}

func (s *Sealer) bodyAAD(dst []byte, ref Ref) []byte {
	return ref.appendTo(s.context(dst, useBody))
}

// Prefetch reads the keys that the cards will need and that are not at hand,
// with one read of the store. It is an optimisation: a card it cannot make
// sense of is skipped, and OpenCard reports it.
func (s *Sealer) Prefetch(ctx context.Context, sealedCards [][]byte) error {
	now := s.clock.Now()
	var cold []owner
	for _, card := range sealedCards {
		wraps, _, err := parseHead(card, owner{})
		if err != nil || wraps[0].owner.kind != patientKind {
			continue
		}
		if _, ok := s.cache.at(wraps[0].owner, wraps[0].version, now); !ok && !slices.Contains(cold, wraps[0].owner) {
			cold = append(cold, wraps[0].owner)
		}
	}
	if cold == nil {
		return nil
	}
	if _, err := s.load(ctx, cold); err != nil && errors.Is(err, errCells) {
		return failed("seal.Prefetch", err)
	}
	return nil
}
