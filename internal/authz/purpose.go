package authz

import (
	"errors"
	"fmt"
	"slices"

	"github.com/wardkeep/wardkeep/internal/identity"
)

const purposesFile = "purposes.txt"

var errPurposes = errors.New("a line is a role and what it may work for, that first which follows from it, or asked and roles")

// purposes are the codes of v3-PurposeOfUse, each under the group it belongs to.
var purposes = map[string][]string{
	"HMARKT": nil,
	"HOPERAT": {"CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL", "HOUTCOMS", "HPRGRP", "HQUALIMP",
		"HSYSADMIN", "LABELING", "METAMGT", "MEMADMIN", "MILCDM", "PATADMIN", "PATSFTY", "PERFMSR", "RECORDMGT", "SYSDEV", "HTEST", "TRAIN"},
	"HPAYMT":  {"CLMATTCH", "COVAUTH", "COVERAGE", "ELIGDTRM", "ELIGVER", "ENROLLM", "MILDCRG", "REMITADV"},
	"HRESCH":  {"BIORCH", "CLINTRCH"},
	"PATRQT":  {"FAMRQT", "PWATRNY", "SUPNWK"},
	"PUBHLTH": {"DISASTER", "THREAT"},
	"TREAT":   {"CLINTRL", "COC", "ETREAT", "BTG", "ERTREAT", "POPHLTH"},
}

// PurposeGroup returns the group that a code of HL7's value set v3-PurposeOfUse belongs
// to, "" of what is none, or only groups others.
func PurposeGroup(code string) string {
	for group, codes := range purposes {
		if code == group || slices.Contains(codes, code) {
			return group
		}
	}
	return ""
}

// Serves reports whether a purpose is one of those listed, or of a group that is.
func Serves(purpose string, list []string) bool {
	return slices.Contains(list, purpose) || slices.Contains(list, PurposeGroup(purpose))
}

// Working returns the actor's roles that count for the purpose he states. What follows
// from his roles, and no purpose, takes none away; none are left of who may not work for
// it. Programs and parts of this server have no work here, and keep what they have.
func (p *Policy) Working(a identity.Actor) []string {
	if a.Kind != identity.KindPerson || a.Purpose == "" || a.Purpose == identity.PurposeOf(a.Roles) {
		return a.Roles
	}
	var out []string
	for _, role := range a.Roles {
		if Serves(a.Purpose, p.serves[role]) {
			out = append(out, role)
		}
	}
	return out
}

// Purposes returns what people of some roles may work for, each once, that first which
// follows from their roles.
func (p *Policy) Purposes(roles []string) []string {
	var out []string
	for _, role := range roles {
		for _, code := range p.serves[role] {
			if implied := code == identity.PurposeOf(roles); !slices.Contains(out, code) && implied {
				out = slices.Insert(out, 0, code)
			} else if !slices.Contains(out, code) {
				out = append(out, code)
			}
		}
	}
	return out
}

// AsksPurpose reports whether what somebody opens by a role alone may be for any of its
// purposes, so that she is asked.
func (p *Policy) AsksPurpose(role string) bool { return slices.Contains(p.asked, role) }

func (p *Policy) readPurposes(read func(string) ([]byte, error)) error {
	p.serves = map[string][]string{}
	src, err := read(purposesFile)
	if err == nil {
		err = eachLine(src, p.purposeLine)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", purposesFile, err)
	}
	return nil
}

func (p *Policy) purposeLine(head, tail []string) error {
	switch unknown := func(role string) bool { return !p.roles[role] }; {
	case len(head) != 1:
		return errPurposes
	case head[0] == "asked" && p.asked == nil && !slices.ContainsFunc(tail, unknown):
		p.asked = tail
		return nil
	case unknown(head[0]), p.serves[head[0]] != nil, tail[0] != identity.PurposeOf(head):
		return errPurposes
	}
	for i, code := range tail {
		if PurposeGroup(code) == "" || code == "BTG" || slices.Contains(tail[:i], code) {
			return fmt.Errorf("%w: a code is none of v3-PurposeOfUse, is stated twice, or is BTG, which an emergency implies", errPurposes)
		}
	}
	p.serves[head[0]] = tail
	return nil
}
