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

0 failed, 1 warnings, 0 not looked at
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

0 failed, 1 warnings, 0 not looked at
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
