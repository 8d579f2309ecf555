package chart_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/wardkeep/wardkeep/internal/chart"
	"github.com/wardkeep/wardkeep/internal/fault"
)

// Who sends what she is not shown learns from no answer whether it is what is there.
func TestWhatIsHiddenIsNotGuessed(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	r.as(program(t)).put(full("enc", "ann"))
	clerk := r.as(person("registration"))
	seen, err := r.chart.Read(ctx, clerk.actor, "Encounter", "enc", 0)
	check(t, err)
	const right = `[{"coding":[{"system":"http://snomed.info/sct","code":"1"}],"text":"` + canary + `"}]`
	wrong := strings.Replace(right, canary, "something else", 1)
	with := func(guess string) string {
		return strings.Replace(string(seen.JSON()), `"status"`, `"reasonCode":`+guess+`,"status"`, 1)
	}
	patch := func(media, text string) error {
		apply, err := chart.PatchOf(media, []byte(text))
		check(t, err)
		_, err = r.chart.Patch(ctx, clerk.actor, "Encounter", "enc", apply, chart.Condition{})
		return err
	}
	for road, try := range map[string]func(guess string) error{
		"an update": func(guess string) error { return clerk.update(with(guess)) },
		"a JSON Patch": func(guess string) error {
			return patch(chart.JSONPatch, `[{"op":"add","path":"/reasonCode","value":`+guess+`}]`)
		},
		"a merge patch": func(guess string) error { return patch(chart.MergePatch, `{"reasonCode":`+guess+`}`) },
		"a transaction": func(guess string) error {
			_, err := r.chart.Transaction(ctx, clerk.actor, []chart.Entry{{Method: "PUT", URL: "Encounter/enc", Place: "Bundle.entry[0]", Resource: clerk.parse(with(guess))}})
			return err
		},
		"$validate": func(guess string) error {
			_, err := r.chart.Validate(ctx, clerk.actor, chart.ValidateRequest{Type: "Encounter", ID: "enc", Mode: "update", Resource: clerk.parse(with(guess))})
			return err
		},
	} {
		hit, miss := try(right), try(wrong)
		wantKind(t, hit, fault.Unprocessable, road+", the right guess")
		wantKind(t, miss, fault.Unprocessable, road+", a wrong guess")
		if hit != nil && miss != nil && (hit.Error() != miss.Error() || fault.Public(hit) != fault.Public(miss)) {
			t.Errorf("%s tells them apart: %v; %v", road, hit, miss)
		}
	}
}

// Labels and tags are changed by whoever sees a part of the record, and the rest stays.
func TestMetaKeepsWhatIsHidden(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	all, clerk := r.as(program(t)), r.as(person("registration"))
	all.put(full("enc", "ann"))
	meta := clerk.parse(`{"resourceType":"Basic","meta":{"tag":[{"system":"urn:x","code":"seen"}]},"code":{"text":"x"}}`).Root().Get("meta")
	for name, change := range map[string]func() (chart.Outcome, error){
		"$meta-add":    func() (chart.Outcome, error) { return r.chart.MetaAdd(ctx, clerk.actor, "Encounter", "enc", meta) },
		"$meta-delete": func() (chart.Outcome, error) { return r.chart.MetaDelete(ctx, clerk.actor, "Encounter", "enc", meta) },
	} {
		out, err := change()
		check(t, err)
		if strings.Contains(string(out.Resource.JSON()), canary) {
			t.Errorf("%s shows what is hidden", name)
		}
		stored, err := r.chart.Read(ctx, all.actor, "Encounter", "enc", 0)
		check(t, err)
		text := string(stored.JSON())
		if strings.Contains(text, `"seen"`) != (name == "$meta-add") || strings.Contains(text, "SUBSETTED") {
			t.Errorf("%s left the wrong tags", name)
		}
		for _, want := range []string{`"reasonCode"`, `"reasonReference"`, `"contained"`, `"extension"`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s erases %s", name, want)
			}
		}
	}
}

// visits is a profile that full does not hold to, where registration sees it and
// where it does not.
const visits = `{"resourceType":"StructureDefinition","id":"visits","url":"http://example.org/visits","name":"Visits",
"status":"active","kind":"resource","abstract":false,"type":"Encounter","derivation":"constraint",
"baseDefinition":"http://hl7.org/fhir/StructureDefinition/Encounter","differential":{"element":[
{"id":"Encounter","path":"Encounter","constraint":[{"key":"v-1","severity":"error","human":"No reasonCode","expression":"reasonCode.empty()"}]},
{"id":"Encounter.priority","path":"Encounter.priority","min":1},
{"id":"Encounter.reasonCode","path":"Encounter.reasonCode"},
{"id":"Encounter.reasonCode.text","path":"Encounter.reasonCode.text","fixedString":"something else"},
{"id":"Encounter.diagnosis","path":"Encounter.diagnosis","min":1}]}}`

// Validation looks at the whole record and names what its author is shown alone.
func TestFindingsNameNothingHidden(t *testing.T) {
	r := hospital(t, 64)
	ctx := context.Background()
	all, clerk := r.as(program(t)), r.as(person("registration"))
	all.put(visits)
	all.put(strings.Replace(full("enc", "ann"), `"text":{`, `"meta":{"profile":["http://example.org/visits"]},"text":{`, 1))
	seen, err := r.chart.Read(ctx, clerk.actor, "Encounter", "enc", 0)
	check(t, err)
	const shown, hidden = "Encounter.priority", "Encounter.reasonCode[0].text"
	urgent := strings.Replace(string(seen.JSON()), `"status"`, `"priority":{"text":"urgent"},"status"`, 1)
	for _, mode := range []chart.ValidationMode{chart.ValidateWarn, chart.ValidateEnforce} {
		door := r.validating(chart.Validation{Mode: mode})
		for name, write := range map[string]func(a as, text string) ([]fault.Issue, error){
			"an update": func(a as, text string) ([]fault.Issue, error) {
				out, err := a.write(door, text)
				return out.Issues, err
			},
			"a transaction": func(a as, text string) ([]fault.Issue, error) {
				out, err := door.Transaction(ctx, a.actor, []chart.Entry{{Method: "PUT", URL: "Encounter/enc", Place: "Bundle.entry[0]", Resource: a.parse(text)}})
				if err != nil {
					return nil, err
				}
				return out[0].Issues, nil
			},
		} {
			found := func(a as, text string) []fault.Issue {
				t.Helper()
				issues, err := write(a, text)
				var f *fault.Error
				if refused := errors.As(err, &f); refused != (mode == chart.ValidateEnforce) {
					t.Fatalf("mode %d, %s: %v", mode, name, err)
				} else if refused {
					issues = f.Issues
				}
				return issues
			}
			whole, err := r.chart.Read(ctx, all.actor, "Encounter", "enc", 0)
			check(t, err)
			if got := places(found(all, string(whole.JSON())), "error"); !strings.Contains(got, hidden) {
				t.Fatalf("who sees all of it is told of %q", got)
			}
			for text, want := range map[string]string{string(seen.JSON()): shown, urgent: ""} {
				issues := found(clerk, text)
				if got := places(issues, "error"); got != want {
					t.Errorf("mode %d, %s: errors at %q, want %q", mode, name, got, want)
				}
				for _, i := range issues {
					if all := i.Expression + i.Text; strings.Contains(all, canary) || strings.Contains(all, "reason") || strings.Contains(all, "diagnosis") || strings.Contains(all, "contained") {
						t.Errorf("mode %d, %s: an issue at %q names what is hidden: %s", mode, name, i.Expression, i.Text)
					}
				}
			}
		}
	}
}
