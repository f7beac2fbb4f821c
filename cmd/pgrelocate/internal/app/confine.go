package app

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// renderArgument makes this program render one chart for another process of it, and do
// nothing else. It is no command, for nobody types it.
const renderArgument = "__render"

// confinement has charts rendered by this program in a process of its own: ADR 0019.
func confinement() chart.Confinement {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0] // where that is nothing, the rendering says so
	}
	return chart.Confinement{Command: []string{program, renderArgument}}
}

// RendersForAnother tells whether this process is one that renders.
func RendersForAnother(args []string) bool { return len(args) == 2 && args[1] == renderArgument }

// RenderForAnother renders. Ctrl-C reaches every process of a terminal, and so does its end: it is
// for the other one to stop this one, and to say so.
func RenderForAnother(ctx context.Context, end func(int)) int {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if err := chart.Serve(ctx, os.Stdin, os.Stdout, end); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exit.Failure
	}
	return exit.OK
}
