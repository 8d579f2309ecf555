package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	"github.com/wardkeep/wardkeep/internal/bulk"
	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/vault"
)

// packagesMark is the mark of progress that lists the packages loaded.
const packagesMark = "packages"

// loadedPackage is one line of that list.
type loadedPackage struct {
	Name        string `json:"name"`
	Version     string `json:"version"`
	Definitions int    `json:"definitions"`
}

// addedPackage is what became of a package.
type addedPackage struct {
	Name      string           `json:"name"`
	Version   string           `json:"version"`
	Added     []string         `json:"added"`
	Updated   []string         `json:"updated"`
	Unchanged []string         `json:"unchanged"`
	Skipped   []bulk.NotLoaded `json:"skipped"`
}

func (a *addedPackage) print(w io.Writer) {
	fmt.Fprintf(w, "%s %s: %d added, %d updated, %d unchanged, %d skipped\n",
		a.Name, a.Version, len(a.Added), len(a.Updated), len(a.Unchanged), len(a.Skipped))
	for _, s := range a.Skipped {
		fmt.Fprintf(w, "  skipped %s: %s\n", s.File, s.Reason)
	}
}

// addPackage stores the definitions of a package as one import.
func (h *House) addPackage(ctx context.Context, who string, body []byte) (addedPackage, error) {
	pack, err := bulk.ReadPackage(bytes.NewReader(body))
	if err != nil {
		return addedPackage{}, fault.New(fault.Invalid, "app.addPackage", "the file "+err.Error())
	}
	resources := make([]*fhir.Resource, len(pack.Definitions))
	for i, d := range pack.Definitions {
		resources[i] = d.Resource
	}
	list, err := listPackages(ctx, h, who, struct{}{})
	if err != nil {
		return addedPackage{}, err
	}
	jobs := func(loaded []chart.Loaded) ([]vault.Job, error) {
		stored := 0
		for _, l := range loaded {
			if l.Status != chart.LoadRefused {
				stored++
			}
		}
		return markOf(list, loadedPackage{pack.Name, pack.Version, stored})
	}
	loaded, err := h.Chart.Load(ctx, operator(who, "importer"), resources, jobs)
	if err != nil {
		return addedPackage{}, err
	}
	added := addedPackage{
		Name: pack.Name, Version: pack.Version, Skipped: append([]bulk.NotLoaded{}, pack.Skipped...),
		Added: []string{}, Updated: []string{}, Unchanged: []string{},
	}
	for i, l := range loaded {
		ref := resources[i].Type() + "/" + l.ID
		switch l.Status {
		case chart.LoadAdded:
			added.Added = append(added.Added, ref)
		case chart.LoadUpdated:
			added.Updated = append(added.Updated, ref)
		case chart.LoadUnchanged:
			added.Unchanged = append(added.Unchanged, ref)
		default:
			added.Skipped = append(added.Skipped, bulk.NotLoaded{File: pack.Definitions[i].File, Reason: bulk.Reason(l.Err)})
		}
	}
	return added, nil
}

// markOf is the list with a package in it, as it is to be committed.
func markOf(list []loadedPackage, p loadedPackage) ([]vault.Job, error) {
	list = slices.DeleteFunc(slices.Clone(list), func(x loadedPackage) bool { return x.Name == p.Name && x.Version == p.Version })
	list = append(list, p)
	slices.SortFunc(list, func(a, b loadedPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	value, err := json.Marshal(list)
	return []vault.Job{{Name: packagesMark, Value: string(value)}}, err
}

func listPackages(ctx context.Context, h *House, _ string, _ struct{}) ([]loadedPackage, error) {
	list := []loadedPackage{}
	value, err := h.Vault.JobValue(ctx, packagesMark)
	if err != nil || value == "" {
		return list, err
	}
	err = json.Unmarshal([]byte(value), &list)
	return list, err
}
