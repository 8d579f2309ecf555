package seal

import (
	"context"
	"encoding/binary"

	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/seal/box"
)

const (
	valueInfo = "value"
	forInfo   = "for"
)

// SealValue seals a small thing under a tenant key: page tokens, ephemeral
// cells, jobs. purpose names the use, and aad the place; "audit" uses the audit
// key, "blob" the blob key, all others the data key.
func (s *Sealer) SealValue(purpose string, aad, plaintext []byte) ([]byte, error) {
	p := purposeOf(purpose)
	t, err := s.tenantKeys.current(p)
	if err != nil {
		return nil, failed("seal.SealValue", err)
	}
	defer clear(t.key[:])
	out := make([]byte, 0, 1+binary.MaxVarintLen32+box.Overhead+len(plaintext))
	out = append(out, formatVersion)
	out = binary.AppendUvarint(out, uint64(t.version))
	return s.runs.seal(out, p, &t, s.valueAAD(purpose, t.version, aad), plaintext), nil
}

// OpenValue opens what SealValue sealed for the same purpose and aad.
func (s *Sealer) OpenValue(purpose string, aad, sealed []byte) ([]byte, error) {
	const op = "seal.OpenValue"
	r := reader{b: sealed}
	r.format()
	version := r.version()
	if r.bad {
		return nil, failed(op, r.refused())
	}
	t, err := s.tenantKeys.at(purposeOf(purpose), version)
	if err != nil {
		return nil, failed(op, err)
	}
	defer clear(t.key[:])
	out, err := box.Open(nil, &t.key, valueInfo, s.valueAAD(purpose, version, aad), r.b)
	if err != nil {
		return nil, failed(op, ErrForged)
	}
	return out, nil
}

func (s *Sealer) valueAAD(purpose string, version uint32, aad []byte) []byte {
	out := make([]byte, 0, len(s.prefix)+1+binary.MaxVarintLen32+len(purpose)+4+len(aad))
	out = appendSized(s.context(out, useValue), purpose)
	out = binary.BigEndian.AppendUint32(out, version)
	return append(out, aad...)
}

// SealFor seals a thing that is no record, under the keys of patients: it
// opens as long as the key of one of them exists. Without patients it is sealed
// for its purpose. Only Body, Cells and Guards are filled.
func (s *Sealer) SealFor(ctx context.Context, purpose string, subjects []record.Key, aad, plaintext []byte) (Sealed, error) {
	const op = "seal.SealFor"
	owners, err := ownersOf(subjects, owner{kind: useKind, name: purpose})
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	holders, err := s.hold(ctx, owners)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	content, key, err := box.NewContent(s.random, forInfo)
	if err != nil {
		return Sealed{}, failed(op, err)
	}
	defer content.Wipe()
	defer clear(key[:])
	mem := s.borrow()
	defer s.giveBack(mem)
	mem.thing = appendFor(mem.thing[:0], purpose, aad)
	text := padCard(plaintext)
	out := make([]byte, 0, headSize(len(holders))+len(text)+box.PartOverhead)
	out = s.appendHead(out, holders, mem, &key)
	out = append(out, content.Commitment()...)
	mem.aad = s.forAAD(mem.aad[:0], mem.thing, out)
	out = content.Seal(out, box.Card, mem.aad, text)
	sealed := Sealed{Body: out}
	sealed.carry(holders)
	return sealed, nil
}

// OpenFor opens what SealFor sealed for the same purpose and aad.
func (s *Sealer) OpenFor(ctx context.Context, purpose string, aad, sealed []byte) ([]byte, error) {
	const op = "seal.OpenFor"
	wraps, n, err := parseHead(sealed, owner{kind: useKind, name: purpose})
	if err != nil {
		return nil, failed(op, err)
	}
	if len(sealed) < n+box.CommitmentSize {
		return nil, failed(op, ErrForged)
	}
	head, part := sealed[:n+box.CommitmentSize], sealed[n+box.CommitmentSize:]
	mem := s.borrow()
	defer s.giveBack(mem)
	mem.thing = appendFor(mem.thing[:0], purpose, aad)
	key, _, err := s.unwrap(ctx, wraps, mem)
	if err != nil {
		return nil, failed(op, err)
	}
	defer clear(key[:])
	content, err := box.LoadContent(&key, forInfo, head[n:])
	if err != nil {
		return nil, failed(op, ErrForged)
	}
	defer content.Wipe()
	mem.aad = s.forAAD(mem.aad[:0], mem.thing, head)
	text, err := content.Open(nil, box.Card, mem.aad, part)
	if err != nil {
		return nil, failed(op, ErrForged)
	}
	out, err := unpadCard(text)
	if err != nil {
		return nil, failed(op, err)
	}
	return out, nil
}

func appendFor(dst []byte, purpose string, aad []byte) []byte {
	return appendSized(appendSized(append(dst, useFor), purpose), aad)
}

func (s *Sealer) forAAD(dst, thing, head []byte) []byte {
	return append(append(s.context(dst, useFor), thing...), head...)
}
