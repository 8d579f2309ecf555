package chart

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"
	"time"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/record"
	"github.com/wardkeep/wardkeep/internal/search"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// pageLife is how long a page token opens its page.
const pageLife = 30 * time.Minute

var errPage = fault.New(fault.Invalid, "chart.openPage", "This page link has expired or belongs to another search. Start the search again.")

// sealPage makes the token of the page after cursor. It holds sort keys, that
// is, patient data: it is sealed, and opens for the same actor and query only.
func (c *Chart) sealPage(actor Actor, sr SearchRequest, cursor vault.Cursor) (string, error) {
	text := binary.BigEndian.AppendUint64(nil, uint64(c.clock.Now().Add(pageLife).Unix()))
	text = binary.BigEndian.AppendUint64(text, uint64(cursor.Position))
	text = append(text, cursor.Key...)
	sealed, err := c.vault.SealText("page", pageContext(actor, sr), text)
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// openPage returns where the page begins: the zero cursor for the first one.
func (c *Chart) openPage(actor Actor, sr SearchRequest) (vault.Cursor, error) {
	if sr.Page == "" {
		return vault.Cursor{}, nil
	}
	sealed, err := base64.RawURLEncoding.DecodeString(sr.Page)
	if err != nil {
		return vault.Cursor{}, errPage
	}
	text, err := c.vault.OpenText("page", pageContext(actor, sr), sealed)
	if err != nil || len(text) < 16 {
		return vault.Cursor{}, errPage
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(text)), 0)
	if c.clock.Now().After(expires) {
		return vault.Cursor{}, errPage
	}
	return vault.Cursor{
		Position: record.Position(binary.BigEndian.Uint64(text[8:])),
		Key:      text[16:],
	}, nil
}

func pageContext(actor Actor, sr SearchRequest) []byte {
	return []byte(strings.Join([]string{string(actor.Kind), actor.ID, sr.Address(), queryText(sr.Params)}, "\x00"))
}

// queryText is the query as it is audited: in the order it was sent.
func queryText(params []search.Param) string {
	var b strings.Builder
	for i, p := range params {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(p.Key))
		b.WriteByte('=')
		b.WriteString(url.QueryEscape(p.Value))
	}
	return b.String()
}
