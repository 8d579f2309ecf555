package identity

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/wardkeep/wardkeep/internal/fault"
)

const fieldUserName = "user.name"

// retries bounds how often a change is tried again when another writer came
// first.
const retries = 5

func decodeAccount(doc Doc) (*account, error) {
	a := &account{version: doc.Version}
	if err := json.Unmarshal(doc.Body, a); err != nil {
		return nil, fmt.Errorf("identity.decodeAccount: %w", err)
	}
	if a.ID != doc.ID {
		return nil, fault.New(fault.Internal, "identity.decodeAccount", "")
	}
	return a, nil
}

// accountByID returns fault.NotFound if there is none.
func (s *Service) accountByID(ctx context.Context, id string) (*account, error) {
	doc, err := s.cfg.Records.Get(ctx, TypeUser, id)
	if err != nil {
		return nil, fmt.Errorf("identity.accountByID: %w", err)
	}
	return decodeAccount(doc)
}

// accountByName returns nil without error if nobody has the folded name.
func (s *Service) accountByName(ctx context.Context, name string) (*account, error) {
	docs, err := s.cfg.Records.Find(ctx, TypeUser, fieldUserName, []byte(name))
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, fmt.Errorf("identity.accountByName: %w", err)
	}
	for _, doc := range docs {
		a, err := decodeAccount(doc)
		if err != nil {
			return nil, err
		}
		if a.UserName == name { // an index may answer with more than was asked for
			return a, nil
		}
	}
	return nil, nil
}

func (s *Service) putAccount(ctx context.Context, e Event, a *account) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("identity.putAccount: %w", err)
	}
	e.Type, e.Target = TypeUser, a.ID
	unique := []Word{{Field: fieldUserName, Value: []byte(a.UserName)}}
	for _, l := range a.Links {
		unique = append(unique, l.word())
	}
	for _, k := range a.Passkeys {
		unique = append(unique, Word{Field: fieldUserPasskey, Value: k.ID})
	}
	err = s.cfg.Records.Put(ctx, e, []Write{{Type: TypeUser, ID: a.ID, Expect: a.version, Body: body, Unique: unique}})
	if err != nil {
		return fmt.Errorf("identity.putAccount: %w", err)
	}
	a.version++
	return nil
}

// changeAccount reads, changes and writes an account until no other writer came
// between. change sees a fresh copy each time; its error ends the attempt.
func (s *Service) changeAccount(ctx context.Context, id string, e Event, change func(*account) error) (*account, error) {
	for try := 0; ; try++ {
		a, err := s.accountByID(ctx, id)
		if err != nil {
			return nil, err
		}
		if err := change(a); err != nil {
			return nil, err
		}
		err = s.putAccount(ctx, e, a)
		if err == nil {
			s.sessions.forgetPerson(id)
			s.tokens.forgetActor(id)
			return a, nil
		}
		if !fault.Is(err, fault.Conflict) || try == retries {
			return nil, err
		}
	}
}
