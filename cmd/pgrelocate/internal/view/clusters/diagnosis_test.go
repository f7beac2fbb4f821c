package clusters

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// On a terminal what was found breaks at blanks, and has what does not fit beside its probe below it;
// elsewhere each finding is one line.
func TestDiagnosisFits(t *testing.T) {
	digest := "sha256:" + strings.Repeat("a", 64)
	v := Diagnosis{Findings: []findingView{
		{Side: "target", Host: "r.example.com", Probe: "certificate", Status: "ok", Says: "good until tomorrow, by an authority that everybody knows"},
		{Side: "target", Host: "r.example.com", Probe: "manifest", Status: "warning", Says: "it keeps " + digest, Fix: "have it removed: " + digest},
		{Side: "target", Host: "r.example.com", Probe: "chunks, size limit, mount", Status: "not looked at", Says: "not asked"},
	}, Warnings: 1}
	tests := []struct {
		width int
		want  string
	}{
		{0, `target  r.example.com
  ok            certificate     good until tomorrow, by an authority that everybody knows
  warning       manifest        it keeps ` + digest + `
                                fix: have it removed: ` + digest + `
  not looked at chunks, size limit, mount not asked

0 failed, 1 warning, 0 not looked at
`},
		{80, `target  r.example.com
  ok            certificate     good until tomorrow, by an authority that
                                everybody knows
  warning       manifest
      it keeps
      ` + digest + `
      fix: have it removed:
      ` + digest + `
  not looked at chunks, size limit, mount
                                not asked

0 failed, 1 warning, 0 not looked at
`},
	}
	for _, tt := range tests {
		var got strings.Builder
		if err := v.Fit(tt.width).WriteTable(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, got.String()); diff != "" {
			t.Errorf("at %d columns (-want +got):\n%s", tt.width, diff)
		}
		for line := range strings.Lines(got.String()) {
			if n := utf8.RuneCountInString(strings.TrimSuffix(line, "\n")); tt.width > 0 && n > tt.width {
				t.Errorf("at %d columns has a line of %d: %s", tt.width, n, line)
			}
		}
	}
}

// What is to be done about several findings of one registry is said once, and what there is one of is counted so.
func TestAFixStandsOnce(t *testing.T) {
	v := Diagnosis{Failed: 1, Warnings: 1, Findings: []findingView{
		{Side: "target", Host: "a.example.com", Probe: "push", Status: "failed", Says: "403", Fix: "give the login the right to push"},
		{Side: "target", Host: "a.example.com", Probe: "uploads", Status: "warning", Says: "403", Fix: "give the login the right to push"},
		{Side: "source", Host: "b.example.com", Probe: "pull", Status: "failed", Says: "403", Fix: "give the login the right to push"},
	}}
	var text strings.Builder
	if err := v.WriteTable(&text); err != nil {
		t.Fatal(err)
	}
	if got := text.String(); strings.Count(got, "fix: give the login") != 2 || !strings.Contains(got, "fix: as for push\n") || !strings.Contains(got, "1 failed, 1 warning, 0 not") {
		t.Errorf("WriteTable() =\n%s\nwant the fix once for each side", got)
	}
}
