package chart

import (
	"bytes"
	"context"

	"github.com/wardkeep/wardkeep/internal/authz"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// maxDocument bounds the records of one document.
const maxDocument = 1000

// errDocument is the same for what is not there and for what is hidden.
var errDocument = fault.New(fault.Unprocessable, "chart.Document", "The composition refers to a record that is not there, or is not for you. A document without it would not be whole.")

// Document makes the document of a Composition: itself and every record it refers
// to (FHIR R4 3.3, operation Composition/$document). A document is whole or is
// not made. base is where addresses of records begin; id, if not empty, becomes
// the Bundle's.
func (c *Chart) Document(ctx context.Context, actor Actor, composition, base, id string) ([]byte, error) {
	req := c.begin(actor, "read", "Composition")
	req.event.Query = "Composition/" + composition + "/$document"
	list, err := c.document(ctx, req, composition)
	if err := req.finish(ctx, err); err != nil {
		return nil, err
	}
	meta, err := enclosing(list)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	b := fhir.NewBundleWriter(&out, fhir.BundleHead{
		Type: "document", ID: id, Meta: meta, UUID: NewID(), Timestamp: c.clock.Now(), Total: -1,
	})
	for _, res := range list {
		b.Entry(fhir.EntryHead{FullURL: base + "/" + res.TypeID.Type + "/" + res.TypeID.ID}, res.JSON())
	}
	err = b.Close()
	return out.Bytes(), err
}

func (c *Chart) document(ctx context.Context, req *request, id string) ([]Resource, error) {
	main, err := c.read(ctx, req.actor, authz.Read, vault.Ref{TypeID: typeIDOf("Composition", id)})
	if err != nil {
		return nil, err
	}
	list := []Resource{main}
	req.discloses(main)
	refs := referencesOf(list)
	if len(refs) > maxDocument {
		return nil, fault.New(fault.TooCostly, "chart.Document", "The composition refers to more records than one document may hold.")
	}
	for _, ref := range refs {
		if ref == main.TypeID {
			continue
		}
		res, err := c.read(ctx, req.actor, authz.Read, vault.Ref{TypeID: ref})
		switch {
		case fault.Is(err, fault.NotFound), fault.Is(err, fault.Gone), fault.Is(err, fault.Denied):
			return nil, errDocument
		case err != nil:
			return nil, err
		}
		req.discloses(res)
		list = append(list, res)
	}
	return list, nil
}
