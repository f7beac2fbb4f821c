package main

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// installHooks tell the user how a run goes: a line for each step, and what is waited for
// whenever that changes.
func (a *app) installHooks() install.Hooks {
	last := ""
	return install.Hooks{
		Step: func(e install.StepEvent) {
			switch e.Phase {
			case install.Started:
				a.detail("%d/%d  %s ...", e.Index, e.Total, e.Name)
			case install.Done, install.Skipped:
				a.note("%d/%d  %-13s  %s", e.Index, e.Total, e.Name, e.Detail)
			}
		},
		Warn: func(w install.Warning) { a.warn("%s", w.Text+advice.Warning(w.Err)) },
		Waiting: func(pending []cluster.Pending) {
			lines := make([]string, len(pending))
			for i, p := range pending {
				lines[i] = "     waiting for " + p.String()
				if hint := advice.Trouble(p.Trouble); hint != "" {
					lines[i] += " (" + hint + ")"
				}
			}
			if text := strings.Join(lines, "\n"); text != "" && text != last {
				last = text
				a.note("%s", text)
			}
		},
	}
}
