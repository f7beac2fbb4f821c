package clusters

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/doctor"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/finding"
)

// Diagnosis is the result of `pgrelocate doctor`.
type Diagnosis struct {
	output.Header
	// OK says that nothing failed. What was not looked at is no failure.
	OK bool `json:"ok"`
	// Failed, Warnings and NotLookedAt count the findings of that status.
	Failed      int `json:"failed"`
	Warnings    int `json:"warnings"`
	NotLookedAt int `json:"notLookedAt"`
	// Findings are in the order of the flow: source, target, cluster.
	Findings []findingView `json:"findings"`
	// width is that of the terminal; 0 is none.
	width int
}

// findingView is what one probe has found.
type findingView struct {
	// Side is source, target or cluster; Host the registry or API server.
	Side string `json:"side"`
	Host string `json:"host,omitempty"`
	// Probe is what was looked at.
	Probe string `json:"probe"`
	// Status is ok, warning, failed, or not looked at.
	Status string `json:"status"`
	// Says is what was found, in words.
	Says string `json:"says"`
	// Fix is what to do about it, in words.
	Fix string `json:"fix,omitempty"`
	// About is what the fix is for: repositories, namespaces or permissions.
	About []string `json:"about,omitempty"`
}

// NewDiagnosis shows what an examination has found.
func NewDiagnosis(r *doctor.Findings) Diagnosis {
	made := Diagnosis{
		Header: output.NewHeader("Diagnosis"), OK: r.Count(finding.Failed) == 0, Failed: r.Count(finding.Failed),
		Warnings: r.Count(finding.Warning), NotLookedAt: r.Count(finding.NotLookedAt), Findings: []findingView{},
	}
	for _, e := range r.Entries {
		made.Findings = append(made.Findings, findingView{e.Side, e.Host, e.Probe, string(e.Status), e.Says, e.Fix, e.About})
	}
	return made
}

// WriteTable writes a line for each finding below the side that it is of, and what to do below that.
func (v Diagnosis) WriteTable(w io.Writer) error {
	var text strings.Builder
	last, told := "", map[string]string{}
	for _, f := range together(v.Findings) {
		if at := strings.TrimSpace(f.Side + "  " + f.Host); at != last {
			if last != "" {
				text.WriteByte('\n')
			}
			last, told = at, map[string]string{}
			text.WriteString(view.PlainLine(at) + "\n")
		}
		text.WriteString(v.entry(fmt.Sprintf("  %-13s %-15s ", f.Status, f.Probe), f.Says))
		if f.Fix != "" {
			fix := f.Fix
			if probe, ok := told[f.Fix]; ok {
				fix = "as for " + probe
			} else {
				told[f.Fix] = f.Probe
			}
			text.WriteString(v.entry(strings.Repeat(" ", besideProbe), "fix: "+fix))
		}
	}
	fmt.Fprintf(&text, "\n%d failed, %s, %d not looked at\n", v.Failed, output.Count(v.Warnings, "warning"), v.NotLookedAt)
	_, err := io.WriteString(w, text.String())
	return err
}

// Where what was found begins in a line, and where it does if it has a word, a digest or a URL, that does not
// fit there.
const (
	besideProbe = 32
	belowProbe  = 6
)

// entry is a text behind a label, in lines that fit where the width is known.
func (v Diagnosis) entry(label, says string) string {
	says = view.PlainLine(says)
	if v.width <= 0 {
		return label + says + "\n"
	}
	indent := besideProbe
	if output.LongestWord(says) > v.width-besideProbe {
		indent = belowProbe
	}
	lines := output.Wrap(says, max(v.width-indent, 1))
	gap := "\n" + strings.Repeat(" ", indent)
	text := strings.Join(lines, gap) + "\n"
	switch {
	case len(label) <= indent:
		return label + text
	case strings.TrimSpace(label) == "":
		return gap[1:] + text
	default:
		return strings.TrimRight(label, " ") + gap + text
	}
}

// Fit implements view.Fitting.
func (v Diagnosis) Fit(width int) output.View {
	v.width = width
	return v
}

// together are findings in which what was not looked at for one reason stands once.
func together(findings []findingView) []findingView {
	var all []findingView
	for _, f := range findings {
		if n := len(all); n > 0 && f.Status == string(finding.NotLookedAt) && f.Fix == "" {
			last := &all[n-1]
			if last.Status == f.Status && last.Says == f.Says && last.Side == f.Side && last.Host == f.Host {
				if last.Probe != f.Probe && !strings.HasSuffix(last.Probe, ", "+f.Probe) {
					last.Probe += ", " + f.Probe
				}
				continue
			}
		}
		all = append(all, f)
	}
	return all
}
