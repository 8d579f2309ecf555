package app

import (
	"context"
	"io"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
)

// importLimits are wider than those of a request: the file is the operator's.
var importLimits = fhir.Limits{BundleBytes: 512 << 20, Entries: 1_000_000, Nodes: 64 << 20}

// file commits one unit of an operator's import together with the mark that it is
// done, by which a later import of the same knows it.
func (h *House) file(ctx context.Context, who string, u bulk.Unit) (bulk.Report, error) {
	filing := bulk.Filing{Chart: h.Chart, Marks: h.Vault, Limits: importLimits}
	return filing.File(ctx, operator(who, "importer"), "import/"+u.ID(), u)
}

// exportOrder is what an export takes: the types of which there are records, of
// one state of the store.
type exportOrder struct {
	Types    []string
	Snapshot chart.Snapshot
}

func exportTypes(ctx context.Context, h *House, who string, _ struct{}) (out exportOrder, err error) {
	if out.Snapshot, err = h.Chart.Snapshot(ctx); err != nil {
		return out, err
	}
	for t := range r4.Resources {
		n, err := h.Chart.Count(ctx, operator(who, "exporter"), t.String())
		if fault.Is(err, fault.Denied) {
			continue // no records of this type are kept by this road
		}
		if err != nil {
			return out, err
		}
		if n > 0 {
			out.Types = append(out.Types, t.String())
		}
	}
	return out, nil
}

func (h *House) export(ctx context.Context, who, typ string, s chart.Snapshot, w io.Writer) (int, error) {
	return h.Chart.Export(ctx, operator(who, "exporter"), typ, s, w)
}
