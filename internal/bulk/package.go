package bulk

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

// Bounds of a FHIR package. The largest in use, that of R5 itself, has 60 MB and
// 4,000 files.
const (
	MaxPackage       = 256 << 20 // packed
	maxPackageBytes  = 1 << 30   // unpacked
	maxPackageFile   = 16 << 20  // as any record
	maxPackageFiles  = 50_000
	maxPackageParsed = 384 << 20 // of definitions that are kept
)

// Package is what a FHIR package (https://hl7.org/fhir/packages.html) defines.
type Package struct {
	Name, Version string
	Definitions   []Definition // in the order of their files
	Skipped       []NotLoaded
}

// Definition is one conformance resource.
type Definition struct {
	File     string
	Resource *fhir.Resource
}

// NotLoaded says why a file of a package is not stored.
type NotLoaded struct {
	File   string `json:"file"`
	Reason string `json:"reason"`
}

// definitions are the types of resource that a package is read for.
var definitions = []string{
	"StructureDefinition", "ValueSet", "CodeSystem", "ConceptMap", "SearchParameter", "CapabilityStatement",
	"OperationDefinition", "NamingSystem", "ImplementationGuide",
}

// ReadPackage reads an npm package of FHIR, a tar file packed with gzip. Nothing
// of it touches the disk. Only files that lie in the folder package itself count;
// its other folders hold examples and builds.
func ReadPackage(r io.Reader) (*Package, error) {
	unzipped, err := gzip.NewReader(io.LimitReader(r, MaxPackage))
	if err != nil {
		return nil, errors.New("is not packed with gzip")
	}
	p := &packageReader{files: tar.NewReader(&capped{r: unzipped, left: maxPackageBytes})}
	if err := p.read(); err != nil {
		return nil, err
	}
	if p.manifest == nil {
		return nil, errors.New("has no package/package.json; is it a FHIR package?")
	}
	if err := p.describe(); err != nil {
		return nil, err
	}
	slices.SortFunc(p.found.Definitions, func(a, b Definition) int { return cmp.Compare(a.File, b.File) })
	slices.SortFunc(p.found.Skipped, func(a, b NotLoaded) int { return cmp.Compare(a.File, b.File) })
	return &p.found, nil
}

// capped ends with an error where too much was unpacked.
type capped struct {
	r    io.Reader
	left int64
}

var errPackageTooBig = errors.New("unpacks to more than a package may")

func (c *capped) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if c.left -= int64(n); c.left < 0 {
		return 0, errPackageTooBig
	}
	return n, err
}

type packageReader struct {
	files    *tar.Reader
	manifest []byte
	parsed   int
	found    Package
}

func (p *packageReader) read() error {
	for n := 0; ; n++ {
		h, err := p.files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errPackageTooBig):
			return err
		case err != nil:
			return errors.New("is not a whole tar file")
		case n >= maxPackageFiles:
			return errors.New("has more files than a package may")
		}
		folder, name := path.Split(h.Name)
		if h.Typeflag != tar.TypeReg || folder != "package/" || !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, ".") {
			continue
		}
		body, err := io.ReadAll(io.LimitReader(p.files, maxPackageFile+1))
		switch {
		case errors.Is(err, errPackageTooBig):
			return err
		case err != nil:
			return errors.New("is not a whole tar file")
		case len(body) > maxPackageFile:
			p.skip(name, "it is larger than a file may be")
			continue
		}
		if name == "package.json" {
			p.manifest = body
			continue
		}
		if err := p.take(name, body); err != nil {
			return err
		}
	}
}

func (p *packageReader) skip(file, reason string) {
	p.found.Skipped = append(p.found.Skipped, NotLoaded{file, reason})
}

// take parses a file that holds a definition. A narrative that is not taken here
// is left out: it says for people what the definition says for programs.
func (p *packageReader) take(name string, body []byte) error {
	var members map[string]json.RawMessage
	var typ string
	if json.Unmarshal(body, &members) != nil || json.Unmarshal(members["resourceType"], &typ) != nil {
		return nil // .index.json and its like
	}
	if !slices.Contains(definitions, typ) {
		p.skip(name, "it is no definition")
		return nil
	}
	if p.parsed += len(body); p.parsed > maxPackageParsed {
		return errPackageTooBig
	}
	res, err := fhir.Parse(body)
	if err != nil && members["text"] != nil {
		delete(members, "text")
		bare, encodeErr := json.Marshal(members)
		if encodeErr != nil {
			return fmt.Errorf("bulk.take: %w", encodeErr)
		}
		res, err = fhir.Parse(bare)
	}
	if err != nil {
		p.skip(name, firstFinding(err))
		return nil
	}
	p.found.Definitions = append(p.found.Definitions, Definition{name, res})
	return nil
}

func firstFinding(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && len(f.Issues) > 0 {
		return strings.TrimPrefix(f.Issues[0].Expression+": ", ": ") + f.Issues[0].Text
	}
	return fault.Public(err)
}

// describe reads the manifest.
func (p *packageReader) describe() error {
	var m struct {
		Name, Version string
		FHIRVersions  []string `json:"fhirVersions"`
		Old           []string `json:"fhir-version-list"`
	}
	if err := json.Unmarshal(p.manifest, &m); err != nil || m.Name == "" || m.Version == "" {
		return errors.New("has a package/package.json without name and version")
	}
	for _, v := range append(m.FHIRVersions, m.Old...) {
		if v == "4.0" || strings.HasPrefix(v, "4.0.") {
			p.found.Name, p.found.Version = m.Name, m.Version
			return nil
		}
	}
	return errors.New("is not for FHIR R4 (4.0.1)")
}
