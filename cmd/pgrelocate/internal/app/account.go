package app

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
)

// Account says what a copy or a load did, and what ended it.
func (a *App) Account(cfg *config.Config, s *relocate.Session, copied *copying.Copied, err error) error {
	if copied == nil {
		return err
	}
	interrupted := err != nil && exit.Code(err) == exit.Interrupted
	if printErr := a.Print(cfg, copies.NewCopy(cfg.Registry, copied, interrupted)); printErr != nil {
		return printErr
	}
	a.ListFailures(copied.Failures)
	if copied.Copied > 0 {
		a.Notice(s)
	}
	if interrupted {
		a.Note("what is complete stays; run the same command again to carry on")
	}
	return err
}

// ShowPlanned says what a copy or a load would do.
func (a *App) ShowPlanned(cfg *config.Config, planned *copying.Planned, err error) error {
	if err != nil {
		return err
	}
	if err := a.Print(cfg, copies.NewPlan(cfg.Registry, planned)); err != nil {
		return err
	}
	a.ListFailures(planned.Failures)
	return planned.Failures
}
