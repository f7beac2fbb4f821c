package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/progress"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
)

// app is what every command has at hand: the streams, the settings, and the ways to say
// something. Results go through print; everything else through note, warn and detail.
type app struct {
	// Streams are the standard streams. Err is shared with the progress display, so that
	// a message never tears the bar: write to it whole lines at a time.
	terminal.Streams

	settings *config.Loader
	// secrets are hidden in whatever is said: Err hides them by itself, print in results. What is
	// made for programs, manifests, locks and bundles, goes to Out as it is.
	secrets *secrets.Set
	// quiet and verbose are settings, kept here once they are known.
	quiet, verbose bool
	// outages shows which registries fail; nil until there is somebody to tell.
	outages *progress.Outages
}

func newApp(streams terminal.Streams) *app {
	known := new(secrets.Set)
	for _, name := range config.Credentials {
		if strings.HasSuffix(name, "_PASSWORD") {
			known.Add(os.Getenv(name))
		}
	}
	shared := progress.Share(known.Writer(streams.Err))
	streams.Err = shared
	if streams.OutTTY && streams.ErrTTY {
		streams.Out = shared.Beside(streams.Out)
	}
	return &app{Streams: streams, secrets: known, settings: config.NewLoader()}
}

// action is what a command does once the settings are known.
type action func(ctx context.Context, cfg *config.Config, args []string) error

// with returns a RunE that loads the settings and then does act.
func (a *app) with(act action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := a.load(cmd.Context())
		if err != nil {
			return err
		}
		return act(cmd.Context(), cfg, args)
	}
}

// load reads the settings and passes its warnings on to the user.
func (a *app) load(ctx context.Context) (*config.Config, error) {
	cfg, warnings, err := a.settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	a.quiet, a.verbose = cfg.Quiet, cfg.Verbose
	for _, warning := range warnings {
		a.warn("%s", warning)
	}
	for _, file := range a.settings.Files() {
		a.detail("reading %s", file)
	}
	return cfg, nil
}

// print writes a result to stdout as -o says.
func (a *app) print(cfg *config.Config, view output.View) error {
	return output.Write(a.Out, cfg.Output, view, a.secrets.HideAlone)
}

// note tells the user something that is not the result; --quiet silences it.
func (a *app) note(format string, args ...any) {
	if !a.quiet {
		a.say("", "", format, args...)
	}
}

// detail is a note for --verbose.
func (a *app) detail(format string, args ...any) {
	if a.verbose {
		a.say("", "", format, args...)
	}
}

// warn tells the user about something that is probably wrong.
func (a *app) warn(format string, args ...any) {
	a.say(terminal.Yellow, "warning: ", format, args...)
}

// say writes one message. What it says may come from elsewhere: see terminal.Plain.
func (a *app) say(style terminal.Style, label, format string, args ...any) {
	fmt.Fprintln(a.Err, a.Paint(style, label)+terminal.Plain(fmt.Sprintf(format, args...)))
}

// conclude shows an error, if there is one, with its hint, and returns the exit code.
func (a *app) conclude(ctx context.Context, err error) int {
	if a.outages != nil {
		a.outages.Stop()
	}
	if err == nil {
		return exit.OK
	}
	if errors.Is(context.Cause(ctx), exit.ErrInterrupted) && errors.Is(err, context.Canceled) && !errors.Is(err, exit.ErrInterrupted) {
		err = exit.ErrInterrupted
	}
	a.say(terminal.Red, "error: ", "%v", err)
	if hint := advice.For(err); hint != "" {
		a.say(terminal.Cyan, "hint: ", "%s", hint)
	}
	return exit.Code(err)
}
