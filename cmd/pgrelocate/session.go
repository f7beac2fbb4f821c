package main

import (
	"errors"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/progress"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
)

// session is what carries out use cases with the settings, and tells the user how they go.
func (a *app) session(cfg *config.Config) *relocate.Session {
	if a.outages == nil {
		a.outages = progress.WatchOutages(progress.Share(a.Err), a.outageMode(cfg), a.Width)
	}
	return relocate.New(cfg, relocate.Options{
		UserAgent:   userAgent(),
		FromFolder:  a.settings.FromFolder(cfg),
		Confinement: confinement(),
		Secrets:     a.secrets,
		Hooks: relocate.Hooks{
			Note:     func(text string) { a.note("%s", text) },
			Detail:   func(text string) { a.detail("%s", text) },
			Warn:     func(text string) { a.warn("%s", text) },
			Moved:    a.moved,
			Progress: func(meter *registry.Meter) func() { return a.progress(cfg, meter).Stop },
			Outage:   a.outages.Tell,
			Install:  a.installHooks(),
		},
	})
}

// moved tells of an artifact that a copy is done with. What was there already is for the curious,
// and what failed is listed at the end.
func (a *app) moved(r transfer.Result) {
	tell := a.detail
	if outcome := view.Outcome(r); outcome == "copied" || outcome == "repaired" {
		tell = a.note
	}
	tell("%s %s", view.Outcome(r), r.Target)
}

// progress shows a meter as the terminal and the settings allow.
func (a *app) progress(cfg *config.Config, meter *registry.Meter) *progress.Display {
	mode := progress.ModeOf(a.Streams, cfg.Quiet || cfg.NoProgress)
	return progress.Start(progress.Share(a.Err), mode, meter, a.Width)
}

// outageMode is how outages are shown: --no-progress wants lines, for they are no progress.
func (a *app) outageMode(cfg *config.Config) progress.Mode {
	if cfg.NoProgress && !cfg.Quiet {
		return progress.Lines
	}
	return progress.ModeOf(a.Streams, cfg.Quiet)
}

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

// notice says what a user has to know about the software that was relocated.
func (a *app) notice(s *relocate.Session) {
	if notice := s.Notice(); notice != "" {
		a.note("%s", notice)
	}
}

// listFailures shows what err only counts, a line for each.
func (a *app) listFailures(err error) {
	var partial *exit.PartialError
	var differs *relocate.DiffersError
	switch {
	case errors.As(err, &partial):
		for _, failed := range partial.Errors {
			a.say(terminal.Red, "failed: ", "%v", failed)
		}
		a.listIncomplete(partial)
	case errors.As(err, &differs):
		for _, d := range differs.Differences {
			a.say(terminal.Red, "failed: ", "%v", &relocate.ArtifactError{Artifact: d.Artifact, Err: d})
		}
	}
}

// listIncomplete shows what artifacts lack that are at the target.
func (a *app) listIncomplete(partial *exit.PartialError) {
	for _, err := range partial.Incomplete {
		var lacking *relocate.ArtifactError
		if !errors.As(err, &lacking) {
			continue
		}
		for reason := range strings.Lines(lacking.Err.Error()) {
			a.say(terminal.Red, "incomplete: ", "%s: %s", output.Short(lacking.Artifact.Target), strings.TrimSpace(reason))
		}
	}
}

// needRegistry refuses to go on without a private registry.
func needRegistry(cfg *config.Config) error {
	if cfg.Registry.IsZero() {
		return exit.Usagef("which private registry? --registry HOST[/PATH] is missing").
			WithHint("it may also stand in %s (registry: HOST) or in %s", config.LocalFile, config.Variable("registry"))
	}
	return nil
}
