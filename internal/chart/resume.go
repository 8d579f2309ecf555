package chart

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// bookmark is what the token of a search's next page holds: the whole search, so
// that no link has to repeat what was sought, and where the page begins. It is
// sealed, and opens for the same actor only.
type bookmark struct {
	Expires  int64
	Position record.Position
	Key      []byte         `json:",omitempty"`
	Type     string         `json:",omitempty"`
	Within   vault.TypeID   `json:",omitzero"`
	Params   []search.Param `json:",omitempty"`
	Lenient  bool           `json:",omitempty"`
	Shown    shown          `json:",omitzero"`
}

// Tokens longer than an address should be are kept here and go by a number.
const (
	longToken  = 2000
	keptPrefix = "kept."
	keptPages  = "page"
)

func whose(actor Actor) string { return string(actor.Kind) + "\x00" + actor.ID }

// bookmarked returns the token of the page that a search goes on with.
func (c *Chart) bookmarked(ctx context.Context, actor Actor, sr SearchRequest) (string, error) {
	expires := c.clock.Now().Add(pageLife)
	text, err := json.Marshal(bookmark{
		Expires: expires.Unix(), Position: sr.after.Position, Key: sr.after.Key, Shown: sr.shown,
		Type: sr.Type, Within: sr.Compartment, Params: sr.Params, Lenient: sr.Lenient,
	})
	if err != nil {
		return "", fault.Wrap(fault.Internal, "chart.bookmarked", err)
	}
	if len(text) > longToken {
		id := NewID()
		return keptPrefix + id, c.vault.PutShort(ctx, keptPages, whose(actor)+"\x00"+id, text, expires)
	}
	sealed, err := c.vault.SealText("search-page", []byte(whose(actor)), text)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// resumed returns the search that a page belongs to and sets where it begins.
// What is said of the search beside the page MUST be what it was.
func (c *Chart) resumed(ctx context.Context, actor Actor, sr SearchRequest) (SearchRequest, error) {
	if sr.Page == "" {
		return sr, nil
	}
	text, err := c.bookmarkText(ctx, actor, sr.Page)
	if err != nil {
		return sr, err
	}
	var mark bookmark
	if json.Unmarshal(text, &mark) != nil || c.clock.Now().After(time.Unix(mark.Expires, 0)) ||
		sr.Type != "" && sr.Type != mark.Type || sr.Compartment != (vault.TypeID{}) && sr.Compartment != mark.Within ||
		len(sr.Params) > 0 && queryText(sr.Params) != queryText(mark.Params) {
		return sr, errPage
	}
	sr.Type, sr.Compartment, sr.Params, sr.Lenient = mark.Type, mark.Within, mark.Params, mark.Lenient
	sr.after, sr.shown = vault.Cursor{Position: mark.Position, Key: mark.Key}, mark.Shown
	return sr, nil
}

func (c *Chart) bookmarkText(ctx context.Context, actor Actor, token string) ([]byte, error) {
	if id, kept := strings.CutPrefix(token, keptPrefix); kept {
		text, err := c.vault.GetShort(ctx, keptPages, whose(actor)+"\x00"+id)
		if fault.Is(err, fault.NotFound) {
			err = errPage
		}
		return text, err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, errPage
	}
	text, err := c.vault.OpenText("search-page", []byte(whose(actor)), sealed)
	if err != nil {
		return nil, errPage
	}
	return text, nil
}
