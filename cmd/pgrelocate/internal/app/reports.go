package app

import (
	"cmp"
	"context"
	"errors"
	"os"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// githubSummary is the variable in which GitHub Actions names the file of a job's summary.
const githubSummary = "GITHUB_STEP_SUMMARY"

// Reported is an action whose run is reported to the files that the settings name. A dry run is
// none, and would say that all is well.
func (a *App) Reported(command string, dryRun *bool, act Action) Action {
	return func(ctx context.Context, cfg *config.Config, args []string) (err error) {
		if *dryRun {
			return act(ctx, cfg, args)
		}
		runs, err := a.openReports(ctx, cfg, command)
		if err != nil {
			return err
		}
		if len(cfg.Others) > 0 {
			a.reports = runs
		} else if len(runs) > 0 {
			a.report = runs[0]
		}
		err = act(ctx, cfg, args)
		reportErr := finish(ctx, cfg, runs, err)
		if err != nil && reportErr != nil {
			a.Warn("%v", reportErr) // the run's own error stands
			return err
		}
		return cmp.Or(err, reportErr)
	}
}

// finish ends the reports of a run, each with what became of its own registry.
func finish(ctx context.Context, cfg *config.Config, runs []*report.Run, err error) error {
	if len(runs) == 0 {
		return nil
	}
	var of *exit.TargetsError
	several := errors.As(err, &of)
	var endings []report.Ending
	for _, name := range namesOf(cfg) {
		ended := cause(ctx, err)
		if several {
			ended = cause(ctx, of.Of(name))
		}
		endings = append(endings, report.Ending{Code: exit.Code(ended), Err: ended, Hint: advice.For(ended)})
	}
	return report.FinishEach(runs, endings)
}

// namesOf are the private registries, or one empty name where none is named.
func namesOf(cfg *config.Config) []string {
	names := []string{registryOf(cfg)}
	for _, other := range cfg.Others {
		names = append(names, other.String())
	}
	return names
}

// openReports begins the reports, one for each private registry; none where the settings name no file
// for any.
func (a *App) openReports(ctx context.Context, cfg *config.Config, command string) ([]*report.Run, error) {
	if cfg.Status != "" && len(cfg.Others) > 0 {
		return nil, exit.Usagef("--status is one short line, and tells of one private registry, not of %d", len(cfg.Registries()))
	}
	opts := report.Options{
		Command: command, Version: a.Build.Version,
		Product: cmp.Or(cfg.Product, versions.DefaultProduct),
		Events:  cfg.Events, Metrics: cfg.Metrics, Summary: cfg.Summary, JUnit: cfg.JUnit, Status: cfg.Status,
		Stdout: a.Out, Hide: a.secrets.HideAlone,
	}
	if theirs := os.Getenv(githubSummary); opts.Summary == config.Auto || opts.Summary == theirs {
		opts.Summary, opts.AppendSummary = theirs, true
	}
	if opts.Events+opts.Metrics+opts.Summary+opts.JUnit+opts.Status == "" {
		return nil, nil
	}
	if opts.Events == config.Stdout && cfg.Output != output.Table {
		return nil, exit.Usagef("--events - and --output %s both want standard output", cfg.Output).
			WithHint("name a file for the events")
	}
	return report.OpenEach(ctx, opts, namesOf(cfg))
}

// registryOf is the private registry; empty where none is named.
func registryOf(cfg *config.Config) string {
	if cfg.Registry.IsZero() {
		return ""
	}
	return cfg.Registry.String()
}
