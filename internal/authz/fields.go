package authz

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wardkeep/wardkeep/internal/fhir"
	"github.com/wardkeep/wardkeep/internal/fhir/r4"
	"github.com/wardkeep/wardkeep/internal/identity"
)

const (
	fieldsFile     = "fields.txt"
	monitoringFile = "monitoring.txt"
)

// monitored is the name under which fields.txt knows all codes of monitoring.txt.
const monitored = "monitoring"

var errFields = errors.New("the table is not well formed")

// Rows are the records of a type that a role is confined to, by their codes.
type Rows struct {
	Role, Type string
	Param      string // the search parameter that finds them
	Codes      []Coding

	codes   map[Coding]bool
	sources []r4.Source
	policy  []string
}

// Has reports whether a resource is one of the rows: by its text as the search
// parameter reads it, so that index and body agree.
func (r *Rows) Has(res *fhir.Resource) bool {
	if res == nil || res.Type() != r.Type {
		return false
	}
	for _, source := range r.sources {
		for node := range fhir.EvalSource(res.Root(), source) {
			for coding := range node.All("coding") {
				if r.codes[Coding{coding.Get("system").Text(), coding.Get("code").Text()}] {
					return true
				}
			}
		}
	}
	return false
}

// Rows returns the records of a type that a role is confined to, nil for all.
func (p *Policy) Rows(role, typ string) *Rows { return p.rows[role][typ] }

// View returns which elements of a type the roles show together, nil for all.
func (p *Policy) View(roles []string, typ string) *fhir.Mask {
	var view *fhir.Mask
	for i, role := range roles {
		one := p.views[role][typ]
		if i == 0 {
			view = one
		} else {
			view = view.Or(one)
		}
	}
	return view
}

// Hides returns what tells whether an element, or with no path any element of a
// type, is hidden from one of the actor's roles: by such he may not search, because
// the answer would tell of records that another role does not show. It is nil if
// nothing is hidden.
func (p *Policy) Hides(actor identity.Actor) func(typ string, path ...string) bool {
	roles := p.Working(actor)
	if actor.Kind != identity.KindPerson || !slices.ContainsFunc(roles, func(r string) bool { return len(p.views[r]) > 0 }) {
		return nil
	}
	return func(typ string, path ...string) bool {
		if len(path) > 0 && slices.Contains(always, path[0]) {
			return false
		}
		return slices.ContainsFunc(roles, func(r string) bool { return !p.views[r][typ].Shows(path...) })
	}
}

// HidesContained reports whether one of the actor's roles is not shown what some
// records contain.
func (p *Policy) HidesContained(actor identity.Actor) bool {
	return p.Hides(actor) != nil && slices.ContainsFunc(p.Working(actor), func(r string) bool {
		for _, view := range p.views[r] {
			if !view.Shows("contained") {
				return true
			}
		}
		return false
	})
}

// always are the elements that every view shows.
var always = []string{"id", "meta", "implicitRules"}

// Monitored returns the codes of the results that go with a drug, sorted; none if
// the drug is not in the table.
func (p *Policy) Monitored(drug string) []string { return p.drugs[strings.ToLower(drug)] }

// readFields reads what each role sees of a record, and of which records.
func (p *Policy) readFields(read func(string) ([]byte, error)) error {
	src, err := read(monitoringFile)
	if err != nil {
		return fmt.Errorf("%s: %w", monitoringFile, err)
	}
	lists := map[string][]Coding{}
	if err := p.readMonitoring(src, lists); err != nil {
		return fmt.Errorf("%s: %w", monitoringFile, err)
	}
	if src, err = read(fieldsFile); err == nil {
		p.numbers = &fhir.Numbers{Systems: map[string]bool{}, Types: map[string]bool{}, Elements: map[r4.MemberID]string{}}
		p.views, p.rows = map[string]map[string]*fhir.Mask{}, map[string]map[string]*Rows{}
		err = eachLine(src, func(head []string, tail []string) error { return p.fieldLine(head, tail, lists) })
	}
	if err != nil {
		return fmt.Errorf("%s: %w", fieldsFile, err)
	}
	return errors.Join(p.readConfidential(read), p.readPurposes(read))
}

// eachLine reads "head words: tail words", without comments and empty lines.
func eachLine(src []byte, line func(head, tail []string) error) error {
	scan := bufio.NewScanner(bytes.NewReader(src))
	for number := 1; scan.Scan(); number++ {
		text, _, _ := strings.Cut(scan.Text(), "#")
		if strings.TrimSpace(text) == "" {
			continue
		}
		head, tail, ok := strings.Cut(text, ":")
		words := strings.Fields(tail)
		if !ok || len(words) == 0 {
			return fmt.Errorf("line %d: %w", number, errFields)
		}
		if err := line(strings.Fields(head), words); err != nil {
			return fmt.Errorf("line %d: %w", number, err)
		}
	}
	return scan.Err()
}

// readMonitoring reads "group name: code …" and "drug name: code or @group …", all
// codes LOINC's.
func (p *Policy) readMonitoring(src []byte, lists map[string][]Coding) error {
	groups := map[string][]string{}
	p.drugs = map[string][]string{}
	all := map[string]bool{}
	err := eachLine(src, func(head, tail []string) error {
		if len(head) != 2 || head[0] != "group" && head[0] != "drug" || groups[head[1]] != nil || p.drugs[head[1]] != nil {
			return errFields
		}
		var codes []string
		for _, word := range tail {
			name, isGroup := strings.CutPrefix(word, "@")
			switch {
			case isGroup && groups[name] != nil:
				codes = append(codes, groups[name]...)
			case !isGroup && isLOINC(word):
				codes = append(codes, word)
			default:
				return errFields
			}
		}
		slices.Sort(codes)
		if codes = slices.Compact(codes); head[0] == "group" {
			groups[head[1]] = codes
		} else {
			p.drugs[head[1]] = codes
		}
		for _, code := range codes {
			all[code] = true
		}
		return nil
	})
	for _, code := range sortedKeys(all) {
		lists[monitored] = append(lists[monitored], Coding{systemLOINC, code})
	}
	return err
}

const systemLOINC = "http://loinc.org"

// isLOINC checks the form of a code and its check digit (mod 10, Luhn).
func isLOINC(code string) bool {
	number, digit, ok := strings.Cut(code, "-")
	if !ok || len(digit) != 1 || number == "" || len(number) > 7 || strings.Trim(code, "0123456789-") != "" {
		return false
	}
	sum, double := 0, true
	for i := len(number) - 1; i >= 0; i-- {
		n := int(number[i] - '0')
		if double {
			n *= 2
		}
		sum += n/10 + n%10
		double = !double
	}
	return (sum+int(digit[0]-'0'))%10 == 0
}

// fieldLine reads one line of fields.txt.
func (p *Policy) fieldLine(head, tail []string, lists map[string][]Coding) error {
	if len(head) == 2 && head[0] == "codes" {
		return readCodes(head[1], tail, lists)
	}
	if len(head) > 1 && head[0] == "masked" {
		return p.maskedLine(head[1:], tail)
	}
	if len(head) < 2 || !p.roles[head[0]] || len(tail) < 2 {
		return errFields
	}
	for _, typ := range head[1:] {
		t := r4.ResourceByName(typ)
		if t == 0 || p.types[typ] == nil {
			return errFields
		}
		var err error
		switch tail[0] {
		case "shows":
			err = p.addView(head[0], t, showing, tail[1:])
		case "without":
			err = p.addView(head[0], t, hiding, tail[1:])
		case "where":
			err = p.addRows(head[0], typ, tail[1:], lists)
		default:
			err = errFields
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readCodes reads a list of system|code.
func readCodes(name string, tail []string, lists map[string][]Coding) error {
	if lists[name] != nil {
		return errFields
	}
	for _, word := range tail {
		system, code, ok := strings.Cut(word, "|")
		if !ok || system == "" || code == "" {
			return errFields
		}
		lists[name] = append(lists[name], Coding{system, code})
	}
	return nil
}

func (p *Policy) addRows(role, typ string, tail []string, lists map[string][]Coding) error {
	if len(tail) < 3 || tail[1] != "in" || p.rows[role][typ] != nil {
		return errFields
	}
	param, ok := r4.FindParam(typ, tail[0])
	if !ok || len(param.Sources()) == 0 || param.Type() != r4.Token {
		return fmt.Errorf("%w: rows are told by a search parameter of type token", errFields)
	}
	r := &Rows{Role: role, Type: typ, Param: tail[0], codes: map[Coding]bool{}, sources: param.Sources(), policy: []string{fieldsFile + ":" + role + "-" + typ}}
	for _, name := range tail[2:] {
		if lists[name] == nil {
			return fmt.Errorf("%w: there is no such list of codes", errFields)
		}
		for _, c := range lists[name] {
			if !r.codes[c] {
				r.codes[c], r.Codes = true, append(r.Codes, c)
			}
		}
	}
	if p.rows[role] == nil {
		p.rows[role] = map[string]*Rows{}
	}
	p.rows[role][typ] = r
	return nil
}
