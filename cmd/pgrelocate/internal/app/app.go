// Package app holds what every command has at hand: App, the streams and settings of one run,
// with the ways to say something, and the session that carries out use cases.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/progress"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
)

// App is what every command has at hand: the streams, the settings, and the ways to say
// something. Results go through Print; everything else through Note, Warn and
// Detail.
type App struct {
	// Streams are the standard streams. Err is shared with the progress display, so that
	// a message never tears the bar: write to it whole lines at a time.
	terminal.Streams

	// results is what is below Out.
	results *stdout

	// Settings are where the settings are read from; each command adds those it knows as flags.
	Settings *config.Loader
	// Build says which program this is.
	Build view.Build
	// secrets are hidden in whatever is said: Err hides them by itself, Print in results. What is
	// made for programs, manifests, locks and bundles, goes to Out as it is.
	secrets *secrets.Set
	// quiet and verbose are settings, kept here once they are known.
	quiet, verbose bool
	// output is how the result is written, once that is known; empty again when it has been.
	output output.Format
	// outages shows which registries fail; nil until there is somebody to tell.
	outages *progress.Outages
	// report tells machines how the run goes; nil where nobody has asked for that. Began is when the
	// run did.
	report *report.Run
	// reports are those of several private registries, in their order; report is nil then.
	reports []*report.Run
	began   time.Time
}

// New makes the app of one run of a build of the program.
func New(streams terminal.Streams, build view.Build) *App {
	known := new(secrets.Set)
	for _, name := range config.Credentials {
		if strings.HasSuffix(name, "_PASSWORD") {
			known.Add(credentials.Variable(name))
		}
	}
	shared := progress.Share(known.Writer(streams.Err))
	streams.Err = shared
	results := &stdout{w: streams.Out}
	streams.Out = results
	if streams.OutTTY && streams.ErrTTY {
		streams.Out = shared.Beside(streams.Out)
	}
	if streams.OutTTY {
		streams.Out = terminal.Harmless(streams.Out)
	}
	return &App{Streams: streams, results: results, secrets: known, Settings: config.NewLoader(), Build: build, began: time.Now()}
}

// HideLogins hides the logins of addresses in arguments, and in variables that hold some: no address
// takes a login, and what is wrong is said of it as it was written.
func (a *App) HideLogins(args []string) {
	for _, entry := range os.Environ() {
		if name, value, _ := strings.Cut(entry, "="); config.MayHoldAddress(name) {
			args = append(slices.Clone(args), value)
		}
	}
	for _, arg := range args {
		a.secrets.Add(secrets.InAddresses(arg)...)
	}
}

// Action is what a command does once the settings are known.
type Action func(ctx context.Context, cfg *config.Config, args []string) error

// With returns a RunE that loads the settings and then does act.
func (a *App) With(act Action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		cfg, err := a.load(cmd.Context())
		if err == nil {
			err = oneRegistry(cmd, cfg)
		}
		if err != nil {
			return a.named(cmd, err)
		}
		// A command that has results says so by its flag; -o FILE is another one.
		if flag := cmd.Flags().Lookup("output"); flag != nil && flag.DefValue == string(output.Table) && cfg.Events != config.Stdout {
			a.output = cfg.Output
		}
		return a.named(cmd, act(cmd.Context(), cfg, args))
	}
}

// load reads the settings and passes its warnings on to the user.
func (a *App) load(ctx context.Context) (*config.Config, error) {
	cfg, warnings, err := a.Settings.Load(ctx)
	if err != nil {
		return nil, err
	}
	a.quiet, a.verbose = cfg.Quiet, cfg.Verbose
	for _, warning := range warnings {
		a.Warn("%s", warning)
	}
	for _, file := range a.Settings.Files() {
		a.Detail("reading %s", file)
	}
	return cfg, nil
}

// Print writes a result to stdout as -o says.
func (a *App) Print(cfg *config.Config, result output.View) error {
	a.output = ""
	result = a.dated(result)
	a.Report(result)
	if a.report != nil && cfg.Events == config.Stdout {
		return nil
	}
	if fitting, ok := result.(view.Fitting); ok && a.OutTTY {
		result = fitting.Fit(a.Width())
	}
	return output.Write(a.Out, cfg.Output, result, a.secrets.HideAlone)
}

// PrintsItself tells that what goes to stdout is no result, but something to be used as it is: then
// nothing takes its place where it fails.
func (a *App) PrintsItself() { a.output = "" }

// Report gives a result to the reports. Print does.
func (a *App) Report(result output.View) {
	if accountable, ok := result.(view.Accountable); ok {
		a.report.Take(accountable.Account())
	}
}

// Note tells the user something that is not the result; --quiet silences it.
func (a *App) Note(format string, args ...any) {
	if !a.quiet {
		a.Say("", "", format, args...)
	}
}

// Detail is a note for --verbose.
func (a *App) Detail(format string, args ...any) {
	if a.verbose {
		a.Say("", "", format, args...)
	}
}

// Warn tells the user about something that is probably wrong.
func (a *App) Warn(format string, args ...any) {
	a.Say(terminal.Yellow, "warning: ", format, args...)
}

// Say writes one message, broken at blanks where a terminal shows it. What it says may come from elsewhere:
// see terminal.Message.
func (a *App) Say(style terminal.Style, label, format string, args ...any) {
	message := label + terminal.Message(fmt.Sprintf(format, args...))
	if a.Broken() {
		// A secret may hold blanks, and is not known any more once it is broken there.
		message = output.Fit(a.secrets.Hide(message), a.Width())
	}
	if rest, ok := strings.CutPrefix(message, label); ok {
		message = a.Paint(style, label) + rest
	}
	fmt.Fprintln(a.Err, message)
}

// Conclude shows an error, if there is one, with its hint, and returns the exit code. A result that did
// not get to stdout is one, whoever wrote it.
func (a *App) Conclude(ctx context.Context, err error) int {
	if a.outages != nil {
		a.outages.Stop()
	}
	if err == nil {
		err = a.results.err()
	}
	if err == nil {
		return exit.OK
	}
	err = cause(ctx, err)
	a.Say(terminal.Red, "error: ", "%v", err)
	if hint := advice.For(err); hint != "" {
		a.Say(terminal.Cyan, "hint: ", "%s", hint)
	}
	if a.output == output.JSON || a.output == output.YAML { // programs that read the result get one
		_ = output.Write(a.Out, a.output, view.NewFailure(err), a.secrets.HideAlone)
	}
	return exit.Code(err)
}

// UserAgent is what registries see of the program.
func (a *App) UserAgent() string { return "pgrelocate/" + a.Build.Version }

// cause is what ended a run: what a signal breaks off says of itself only that it was, and that
// nobody reads the result any more comes of a terminal that was closed.
func cause(ctx context.Context, err error) error {
	if !errors.Is(context.Cause(ctx), exit.ErrInterrupted) || errors.Is(err, exit.ErrInterrupted) {
		return err
	}
	for _, consequence := range []error{context.Canceled, syscall.EPIPE, syscall.EIO} {
		if errors.Is(err, consequence) {
			return exit.ErrInterrupted
		}
	}
	return err
}
