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
	"syscall"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

func main() {
	if rendersForAnother(os.Args) {
		os.Exit(renderForAnother(context.Background(), os.Exit))
	}
	os.Exit(run(context.Background(), os.Args[1:], terminal.System(os.Getenv)))
}

// run is the whole program: it carries out args and returns the exit code.
func run(ctx context.Context, args []string, streams terminal.Streams) int {
	a := newApp(streams)
	ctx, stop := interruptible(ctx, a)
	defer stop()

	root := newRootCommand(a)
	if completing(args) {
		plainUsages(root)
	}
	root.SetArgs(args)
	return a.conclude(ctx, root.ExecuteContext(ctx))
}

// interruptible returns a context that the first Ctrl-C ends, with exit.ErrInterrupted as
// its cause. From then on signals do what they do to any program: a second one kills.
func interruptible(ctx context.Context, a *app) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals)
			fmt.Fprintln(a.Err, "interrupted: stopping; again kills at once")
			cancel(exit.ErrInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel(nil)
	}
}
