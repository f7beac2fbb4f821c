package app

import (
	"errors"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/progress"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/inventory"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// Session is what carries out use cases with the settings, and tells the user how they go.
func (a *App) Session(cfg *config.Config) *relocate.Session {
	if a.outages == nil {
		a.outages = progress.WatchOutages(progress.Share(a.Err), a.outageMode(cfg), a.Width)
	}
	opts := relocate.Options{
		UserAgent:   a.UserAgent(),
		FromFolder:  a.Settings.FromFolder(cfg),
		Confinement: confinement(),
		Secrets:     a.secrets,
		Hooks: relocate.Hooks{
			Note:     func(text string) { a.Note("%s", text); a.report.Note(text) },
			Detail:   func(text string) { a.Detail("%s", text) },
			Warn:     func(text string) { a.Warn("%s", text); a.report.Warning(text) },
			Planned:  a.report.Planned,
			Expires:  a.report.Expires,
			Moved:    func(r transfer.Result) { a.moved(r, a.report) },
			Progress: func(meter *registry.Meter) func() { return a.watch(cfg, meter) },
			Outage:   func(o registry.Outage) { a.outages.Tell(o); a.report.Outage(o) },
			Install:  a.installHooks(),
		},
	}
	if len(cfg.Others) > 0 {
		a.forSeveral(cfg, &opts)
	}
	return relocate.New(cfg, opts)
}

// moved tells of an artifact that a copy is done with. What was there already is for the curious,
// and what failed is listed at the end.
func (a *App) moved(r transfer.Result, to *report.Run) {
	tell := a.Detail
	if outcome := copies.Outcome(r); outcome == "copied" || outcome == "repaired" {
		tell = a.Note
	}
	tell("%s %s", copies.Outcome(r), r.Target)
	to.Item(copies.Moved(r))
}

// watch shows a meter to whoever looks, until the function that it returns is called.
func (a *App) watch(cfg *config.Config, meter *registry.Meter) (stop func()) {
	display, told := a.progress(cfg, meter), a.report.Progress(meter)
	return func() {
		display.Stop()
		told()
	}
}

// progress shows a meter as the terminal and the settings allow.
func (a *App) progress(cfg *config.Config, meter *registry.Meter) *progress.Display {
	mode := progress.ModeOf(a.Streams, cfg.Quiet || cfg.NoProgress)
	return progress.Start(progress.Share(a.Err), mode, meter, a.Width)
}

// outageMode is how outages are shown: --no-progress wants lines, for they are no progress.
func (a *App) outageMode(cfg *config.Config) progress.Mode {
	if cfg.NoProgress && !cfg.Quiet {
		return progress.Lines
	}
	return progress.ModeOf(a.Streams, cfg.Quiet)
}

// installHooks tell the user how a run goes: a line for each step, and what is waited for
// whenever that changes.
func (a *App) installHooks() install.Hooks {
	last := ""
	return install.Hooks{
		Step: func(e install.StepEvent) {
			a.report.Step(e.Index, e.Total, e.Name, string(e.Phase), e.Detail)
			switch e.Phase {
			case install.Started:
				a.Detail("%d/%d  %s ...", e.Index, e.Total, e.Name)
			case install.Done, install.Skipped:
				a.Note("%d/%d  %-13s  %s", e.Index, e.Total, e.Name, e.Detail)
			}
		},
		Warn: func(w install.Warning) {
			a.Warn("%s", w.Text+advice.Warning(w.Err))
			a.report.Warning(w.Text)
		},
		Waiting: func(pending []readiness.Pending) {
			lines := make([]string, len(pending))
			for i, p := range pending {
				lines[i] = "     waiting for " + p.String()
				if hint := advice.Trouble(p.Trouble); hint != "" {
					lines[i] += " (" + hint + ")"
				}
			}
			if text := strings.Join(lines, "\n"); text != "" && text != last {
				last = text
				a.Note("%s", text)
			}
		},
	}
}

// Notice says what a user has to know about the software that was relocated.
func (a *App) Notice(s *relocate.Session) {
	if notice := s.Notice(); notice != "" {
		a.Note("%s", notice)
	}
}

// ListFailures shows what err only counts, a line for each.
func (a *App) ListFailures(err error) {
	var partial *exit.PartialError
	var differs *inventory.DiffersError
	switch {
	case errors.As(err, &partial):
		for _, failed := range partial.Errors {
			a.Say(terminal.Red, "failed: ", "%v", failed)
		}
		a.listIncomplete(partial)
	case errors.As(err, &differs):
		for _, d := range differs.Differences {
			a.Say(terminal.Red, "failed: ", "%v", &relocate.ArtifactError{Artifact: d.Artifact, Err: d})
		}
	}
}

// listIncomplete shows what artifacts lack that are at the target.
func (a *App) listIncomplete(partial *exit.PartialError) {
	for _, err := range partial.Incomplete {
		var lacking *relocate.ArtifactError
		if !errors.As(err, &lacking) {
			continue
		}
		for reason := range strings.Lines(lacking.Err.Error()) {
			a.Say(terminal.Red, "incomplete: ", "%s: %s", output.Short(lacking.Artifact.Target), strings.TrimSpace(reason))
		}
	}
}

// NeedRegistry refuses to go on without a private registry.
func NeedRegistry(cfg *config.Config) error {
	if cfg.Registry.IsZero() {
		return exit.Usagef("which private registry? --registry HOST[/PATH] is missing").
			WithHint("it may also stand in %s (registry: HOST) or in %s", config.LocalFile, config.Variable("registry"))
	}
	return nil
}
