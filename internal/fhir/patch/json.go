package patch

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fault"
	"github.com/wardkeep/wardkeep/internal/fhir"
)

const opJSON = "patch.JSON"

// JSON applies a JSON Patch, all of it or nothing. If one of its tests fails,
// errors.Is(err, ErrTest) holds.
func JSON(res *fhir.Resource, doc []byte) (*fhir.Resource, error) {
	text, err := applyJSON(res.JSON(), doc)
	if err != nil {
		return nil, err
	}
	return finish(opJSON, res, text)
}

// applyJSON applies a JSON Patch to any JSON text.
func applyJSON(src, doc []byte) ([]byte, error) {
	list, err := readDocument(opJSON, doc)
	if err != nil {
		return nil, err
	}
	if list.kind != '[' {
		return nil, malformed(opJSON, "it is not a JSON array of operations")
	}
	if len(list.items) > maxOperations {
		return nil, fault.New(fault.TooCostly, opJSON, fmt.Sprintf("A patch has at most %d operations.", maxOperations))
	}
	ops := make([]operation, len(list.items))
	for i, item := range list.items {
		if ops[i], err = readOperation(item); err != nil {
			return nil, malformed(opJSON, fmt.Sprintf("in operation %d (counted from 0) %s", i, err))
		}
	}
	tree, err := readTree(src)
	if err != nil {
		return nil, fault.Wrap(fault.TooLarge, opJSON, err)
	}
	p := jsonPatch{root: tree, room: maxNodes}
	for i, o := range ops {
		if err := p.apply(o); err != nil {
			return nil, told(i, err)
		}
	}
	return p.root.append(nil), nil
}

func told(i int, err error) error {
	switch {
	case errors.Is(err, ErrTest):
		return &fault.Error{Kind: fault.Unprocessable, Op: opJSON, Err: err,
			Public: fmt.Sprintf("The test in operation %d of the patch (counted from 0) failed: the resource is not as the patch expects. Nothing was changed.", i),
			Issues: []fault.Issue{{Code: "conflict", Text: fmt.Sprintf("The test in operation %d of the patch failed.", i)}}}
	case errors.Is(err, errTree):
		return fault.New(fault.TooLarge, opJSON, "The patch makes the resource larger than this server takes.")
	}
	return refused(opJSON, i, err.Error())
}

// operation is one operation with its pointers taken apart.
type operation struct {
	op         string
	path, from []string
	value      *value
}

var (
	errObject   = errors.New("there is no object, or it names no known op")
	errPointer  = errors.New("a JSON Pointer is missing or malformed")
	errNoValue  = errors.New("the value is missing")
	errMissing  = errors.New("there is nothing at the place it names")
	errIndex    = errors.New("it names a place that the array does not have")
	errInItself = errors.New("a value cannot be moved into itself")
	errRoot     = errors.New("the resource as a whole cannot be removed")
)

func readOperation(v *value) (o operation, err error) {
	o.op, _ = v.get("op").text()
	switch o.op {
	case "add", "replace", "test":
		if o.value = v.get("value"); o.value == nil {
			return o, errNoValue
		}
	case "move", "copy":
		if o.from, err = pointer(v.get("from")); err != nil {
			return o, err
		}
	case "remove":
	default:
		return o, errObject
	}
	o.path, err = pointer(v.get("path"))
	return o, err
}

// pointer reads a JSON Pointer (RFC 6901).
func pointer(v *value) ([]string, error) {
	s, ok := v.text()
	switch {
	case !ok || s != "" && s[0] != '/':
		return nil, errPointer
	case s == "":
		return nil, nil
	}
	parts := strings.Split(s[1:], "/")
	if len(parts) > maxDepth {
		return nil, errPointer
	}
	for i, part := range parts {
		if bare := strings.NewReplacer("~0", "", "~1", "").Replace(part); strings.Contains(bare, "~") {
			return nil, errPointer
		}
		parts[i] = strings.ReplaceAll(strings.ReplaceAll(part, "~1", "/"), "~0", "~")
	}
	return parts, nil
}

type jsonPatch struct {
	root *value
	room int
}

func (p *jsonPatch) apply(o operation) error {
	switch o.op {
	case "add":
		return p.addClone(o.path, o.value)
	case "remove":
		_, err := p.remove(o.path)
		return err
	case "replace":
		return p.replace(o.path, o.value)
	case "move":
		if len(o.from) < len(o.path) && strings.Join(o.path[:len(o.from)], "\x00") == strings.Join(o.from, "\x00") {
			return errInItself
		}
		v, err := p.remove(o.from)
		if err != nil {
			return err
		}
		return p.add(o.path, v)
	case "copy":
		v, err := p.find(o.from)
		if err != nil {
			return err
		}
		return p.addClone(o.path, v)
	}
	v, err := p.find(o.path)
	if err != nil {
		return errors.Join(ErrTest, err)
	}
	if !equal(v, o.value) {
		return ErrTest
	}
	return nil
}

// find returns the value a pointer names.
func (p *jsonPatch) find(path []string) (*value, error) {
	v := p.root
	for _, part := range path {
		switch v.kind {
		case '{':
			v = v.get(part)
		case '[':
			i, err := index(part, len(v.items)-1)
			if err != nil {
				return nil, err
			}
			v = v.items[i]
		default:
			v = nil
		}
		if v == nil {
			return nil, errMissing
		}
	}
	return v, nil
}

// index reads an array index from 0 to last: digits without leading zeros.
func index(s string, last int) (int, error) {
	if s == "" || len(s) > 9 || len(s) > 1 && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return 0, errIndex
	}
	i, err := strconv.Atoi(s)
	if err != nil || i > last {
		return 0, errIndex
	}
	return i, nil
}

func (p *jsonPatch) addClone(path []string, v *value) error {
	c, err := v.clone(&p.room)
	if err != nil {
		return err
	}
	return p.add(path, c)
}

func (p *jsonPatch) add(path []string, v *value) error {
	if len(path) == 0 {
		p.root = v
		return nil
	}
	parent, err := p.find(path[:len(path)-1])
	if err != nil {
		return err
	}
	last := path[len(path)-1]
	switch parent.kind {
	case '{':
		parent.set(last, v)
		return nil
	case '[':
		i := len(parent.items)
		if last != "-" {
			if i, err = index(last, len(parent.items)); err != nil {
				return err
			}
		}
		if p.room -= (len(parent.items) - i) / 64; p.room < 0 {
			return errTree
		}
		parent.items = append(parent.items, nil)
		copy(parent.items[i+1:], parent.items[i:])
		parent.items[i] = v
		return nil
	}
	return errMissing
}

func (p *jsonPatch) remove(path []string) (*value, error) {
	if len(path) == 0 {
		return nil, errRoot
	}
	v, err := p.find(path)
	if err != nil {
		return nil, err
	}
	parent, err := p.find(path[:len(path)-1])
	if err != nil {
		return nil, err
	}
	last := path[len(path)-1]
	if p.room -= (len(parent.members) + len(parent.items)) / 64; p.room < 0 {
		return nil, errTree
	}
	if parent.kind == '{' {
		parent.remove(last)
		return v, nil
	}
	i, err := index(last, len(parent.items)-1)
	if err != nil {
		return nil, err
	}
	parent.items = slices.Delete(parent.items, i, i+1)
	return v, nil
}

func (p *jsonPatch) replace(path []string, v *value) error {
	old, err := p.find(path)
	if err != nil {
		return err
	}
	c, err := v.clone(&p.room)
	if err != nil {
		return err
	}
	*old = *c
	return nil
}
