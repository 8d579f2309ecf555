package patch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/path"
)

const (
	opPath    = "patch.FHIRPath"
	pathSteps = 100_000  // of one path
	maxWork   = 64 << 20 // bytes of the resource times operations
)

// FHIRPath applies a FHIRPath Patch, all of it or nothing. Between its
// operations the resource may break the rules of its type.
func FHIRPath(res, parameters *fhir.Resource) (*fhir.Resource, error) {
	ops, err := readOperations(parameters)
	if err != nil {
		return nil, err
	}
	if len(ops)*len(res.JSON()) > maxWork {
		return nil, fault.New(fault.TooCostly, opPath, "The patch has too many operations for a resource of this size.")
	}
	root, err := readTree(res.JSON())
	if err != nil {
		return nil, fault.Wrap(fault.TooLarge, opPath, err)
	}
	text := res.JSON()
	e := editor{root: root, res: res, room: maxNodes}
	for i, o := range ops {
		if i > 0 {
			if e.res, err = (fhir.Limits{}).Draft(text); err != nil {
				return nil, refused(opPath, i-1, "it leaves no resource that could be read")
			}
		}
		if err := e.apply(o); err != nil {
			var f *fault.Error
			if errors.As(err, &f) {
				return nil, err
			}
			if errors.Is(err, errTree) {
				return nil, told(i, err)
			}
			return nil, refused(opPath, i, err.Error())
		}
		text = root.append(nil)
	}
	return finish(opPath, res, text)
}

// fhirOp is one operation of a FHIRPath Patch.
type fhirOp struct {
	kind                       string
	path                       *path.Expr
	name                       string
	part                       *value // the part called value
	index, source, destination int
}

var fhirNeeds = map[string][]string{
	"add":     {"path", "name", "value"},
	"insert":  {"path", "index", "value"},
	"delete":  {"path"},
	"replace": {"path", "value"},
	"move":    {"path", "source", "destination"},
}

func readOperations(parameters *fhir.Resource) ([]fhirOp, error) {
	if parameters.Type() != "Parameters" {
		return nil, malformed(opPath, "it is not a Parameters resource")
	}
	tree, err := readTree(parameters.JSON())
	if err != nil {
		return nil, malformed(opPath, err.Error())
	}
	var ops []fhirOp
	list := tree.get("parameter")
	if list == nil {
		return nil, nil
	}
	if len(list.items) > maxOperations {
		return nil, fault.New(fault.TooCostly, opPath, fmt.Sprintf("A patch has at most %d operations.", maxOperations))
	}
	for i, p := range list.items {
		o, err := readFHIROp(p)
		if err != nil {
			var f *fault.Error
			what := err.Error()
			if errors.As(err, &f) {
				what = "the path cannot be read: " + f.Public
			}
			return nil, malformed(opPath, fmt.Sprintf("in operation %d (counted from 0) %s", i, what))
		}
		ops = append(ops, o)
	}
	return ops, nil
}

var (
	errOperation = errors.New("the parameter is not called operation, or its type is none of add, insert, delete, replace and move")
	errParts     = errors.New("a part is missing, is there twice, or is not one of this type of operation")
	errInteger   = errors.New("an index is not a whole number")
)

func readFHIROp(p *value) (o fhirOp, err error) {
	name, _ := p.get("name").text()
	list := p.get("part")
	if name != "operation" || list == nil {
		return o, errOperation
	}
	parts := make(map[string]*value, len(list.items))
	for _, part := range list.items {
		name, _ := part.get("name").text()
		if parts[name] != nil {
			return o, errParts
		}
		parts[name] = part
	}
	o.kind, _ = parts["type"].get("valueCode").text()
	if o.kind == "" {
		o.kind, _ = parts["type"].get("valueString").text()
	}
	needs, ok := fhirNeeds[o.kind]
	if !ok {
		return o, errOperation
	}
	for name := range parts {
		if name != "type" && !slices.Contains(needs, name) {
			return o, errParts
		}
	}
	if len(parts) != len(needs)+1 {
		return o, errParts
	}
	o.part = parts["value"]
	if o.kind == "add" {
		if o.name, ok = parts["name"].get("valueString").text(); !ok {
			return o, errParts
		}
	}
	for name, at := range map[string]*int{"index": &o.index, "source": &o.source, "destination": &o.destination} {
		if parts[name] == nil {
			continue
		}
		raw := parts[name].get("valueInteger")
		if raw == nil {
			return o, errInteger
		}
		if *at, err = strconv.Atoi(string(raw.raw)); err != nil || *at < 0 {
			return o, errInteger
		}
	}
	src, ok := parts["path"].get("valueString").text()
	if !ok {
		return o, errParts
	}
	o.path, err = path.Compile(src)
	return o, err
}

var (
	errNone      = errors.New("the path finds nothing")
	errSeveral   = errors.New("the path finds several elements, and one is wanted")
	errWhole     = errors.New("the path finds the resource itself")
	errList      = errors.New("the path does not find one whole list")
	errThere     = errors.New("the element is there already and does not repeat")
	errNoElement = errors.New("there is no element of that name")
	errPartValue = errors.New("the part value does not hold one value that fits the element")
)

// editor changes the tree; res is a reading of it to find elements in.
type editor struct {
	root *value
	res  *fhir.Resource
	room int
}

func (e *editor) apply(o fhirOp) error {
	env := &path.Env{Steps: pathSteps}
	found, err := o.path.Nodes(env, e.res.Root())
	if err != nil {
		return err
	}
	if len(found) == 0 {
		if o.kind == "delete" {
			return nil
		}
		return errNone
	}
	if o.kind == "insert" || o.kind == "move" {
		return e.applyList(o, found)
	}
	if len(found) > 1 {
		return errSeveral
	}
	if o.kind == "add" {
		return e.add(found[0], o)
	}
	at, err := e.locate(found[0])
	if err != nil {
		return err
	}
	if o.kind == "delete" {
		e.remove(at)
		return nil
	}
	return e.replace(at, found[0], o)
}

func (e *editor) add(parent fhir.Node, o fhirOp) error {
	at, err := e.locate(parent)
	if err != nil && !errors.Is(err, errWhole) {
		return err
	}
	m, t, err := findMember(parent.TypeID(), o.name)
	if err != nil {
		return err
	}
	v, shadow, m, err := e.content(o.part, m, t)
	if err != nil {
		return err
	}
	obj := at.object(e.root)
	if !m.IsList() {
		if parent.Get(o.name).Exists() || parent.Get(m.Name()).Exists() {
			return errThere
		}
		put(obj, m.JSONName(), v, shadow)
		return nil
	}
	n := 0
	for _, name := range []string{m.JSONName(), "_" + m.JSONName()} {
		if list := obj.get(name); list != nil {
			n = max(n, len(list.items))
		}
	}
	insertItem(obj, m.JSONName(), n, n, v, shadow)
	return nil
}

func (e *editor) replace(at place, old fhir.Node, o fhirOp) error {
	m, t, err := findMember(at.parentType, at.element)
	if err != nil {
		return err
	}
	v, shadow, m, err := e.content(o.part, m, t)
	if err != nil {
		return err
	}
	if at.index < 0 {
		at.obj.rename(at.name, m.JSONName())
		put(at.obj, m.JSONName(), v, shadow)
		return nil
	}
	n := at.length()
	removeItem(at.obj, at.name, at.index)
	insertItem(at.obj, at.name, at.index, n-1, v, shadow)
	return nil
}

func (e *editor) applyList(o fhirOp, found []fhir.Node) error {
	first, err := e.locate(found[0])
	if err != nil {
		return err
	}
	n := first.length()
	if first.index < 0 || n != len(found) {
		return errList
	}
	i := 0
	for item := range first.parent.All(first.element) {
		if i == len(found) || found[i] != item {
			return errList
		}
		i++
	}
	if o.kind == "move" {
		if o.source >= n || o.destination >= n {
			return errIndex
		}
		v, shadow := removeItem(first.obj, first.name, o.source)
		insertItem(first.obj, first.name, o.destination, n-1, v, shadow)
		return nil
	}
	if o.index > n {
		return errIndex
	}
	m, t, err := findMember(first.parentType, first.element)
	if err != nil {
		return err
	}
	v, shadow, _, err := e.content(o.part, m, t)
	if err != nil {
		return err
	}
	insertItem(first.obj, first.name, o.index, n, v, shadow)
	return nil
}
