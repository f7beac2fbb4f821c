// Command pgrelocate copies a release of a PostgreSQL operator, with everything that
// belongs to it, from its vendor's registry into a private one, and installs it from
// there.
//
// Start reading at root.go: it lists the commands in the order in which people use them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/completion"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// What is set when a release is built, each with -ldflags "-X main.version=v1.2.3": the version, the
// commit in full, and the commit's date in RFC 3339. Empty where nobody set it.
var version, commit, date string

func main() {
	if app.RendersForAnother(os.Args) {
		os.Exit(app.RenderForAnother(context.Background(), os.Exit))
	}
	credentials.Withhold(config.Credentials...)
	os.Exit(run(context.Background(), os.Args[1:], terminal.System(os.Getenv)))
}

// run is the whole program: it carries out args and returns the exit code.
func run(ctx context.Context, args []string, streams terminal.Streams) int {
	a := newApp(streams)
	a.HideLogins(args)
	ctx, stop := interruptible(ctx, a)
	defer stop()

	root := newRootCommand(a)
	if completion.Completing(args) {
		completion.PlainUsages(root)
	}
	root.SetArgs(args)
	return a.Conclude(ctx, root.ExecuteContext(ctx))
}

// oneSignal is how long what comes after a signal counts as the same one: timeout sends it to the
// program and then to the program's group, and whoever wraps a command may pass on what it has had.
const oneSignal = 500 * time.Millisecond

// interruptible returns a context that the first Ctrl-C ends, with exit.ErrInterrupted as
// its cause, and so does a terminal that closes. From oneSignal after it on another kills.
func interruptible(ctx context.Context, a *app.App) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, stopping()...)
	go func() {
		select {
		case <-signals:
			// Who closes a terminal says so more than once, and nobody reads any more what is said
			// then, in a pipe either: that must not cut short what is being put in order.
			signal.Ignore(syscall.SIGHUP, syscall.SIGPIPE)
			time.AfterFunc(oneSignal, func() { signal.Stop(signals) })
			fmt.Fprintln(a.Err, "interrupted: stopping; again kills at once")
			cancel(exit.ErrInterrupted)
		case <-ctx.Done():
			signal.Stop(signals)
		}
	}()
	return ctx, func() { cancel(nil) }
}

// stopping are the signals that stop a run. A terminal that closes does not where somebody has said
// so, as nohup does.
func stopping() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// programVersion is what the linker set, else what `go install MODULE@VERSION` recorded.
func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "devel"
}

// newApp is what this run's commands have at hand.
func newApp(streams terminal.Streams) *app.App {
	return app.New(streams, view.Build{Version: programVersion(), Commit: commit, Date: date})
}
