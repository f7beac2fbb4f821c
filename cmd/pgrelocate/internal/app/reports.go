package app

import (
	"cmp"
	"context"
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
		if a.report, err = a.openReport(ctx, cfg, command); err != nil {
			return err
		}
		err = act(ctx, cfg, args)
		ended := cause(ctx, err)
		reportErr := a.report.Finish(report.Ending{Code: exit.Code(ended), Err: ended, Hint: advice.For(ended)})
		if err != nil && reportErr != nil {
			a.Warn("%v", reportErr) // the run's own error stands
			return err
		}
		return cmp.Or(err, reportErr)
	}
}

// openReport begins the reports; nil where the settings name no file for any.
func (a *App) openReport(ctx context.Context, cfg *config.Config, command string) (*report.Run, error) {
	opts := report.Options{
		Command: command, Version: a.Build.Version,
		Product: cmp.Or(cfg.Product, versions.DefaultProduct), Registry: registryOf(cfg),
		Events: cfg.Events, Metrics: cfg.Metrics, Summary: cfg.Summary, JUnit: cfg.JUnit, Status: cfg.Status,
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
	return report.Open(ctx, opts)
}

// registryOf is the private registry; empty where none is named.
func registryOf(cfg *config.Config) string {
	if cfg.Registry.IsZero() {
		return ""
	}
	return cfg.Registry.String()
}
