package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

func main() {
	if len(os.Args) > 1 {
		if inner, ok := innerPrograms[os.Args[1]]; ok {
			os.Exit(inner(os.Args[2:]))
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

// innerPrograms are what this program starts itself as, in processes of their own.
var innerPrograms = map[string]func([]string) int{
	processes.InnerRun: processes.Inner,
	"inner-drain":      drainSource,
}

// run measures and prints; 0 is success, 1 a bar that was missed, 2 a run that could not be
// made.
func run(ctx context.Context, args []string) int {
	opts, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		return 2
	}
	h := newHost(ctx)
	defer h.close()
	report, err := measure(h, opts)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	report.Print(os.Stdout)
	if err := errors.Join(report.Save(opts.json), report.IntoPage(opts.page)); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}
	if !report.Passed() {
		return 1
	}
	return 0
}

// measure does the parts that were asked for, one after the other.
func measure(h *host, opts *options) (report *figures.Report, err error) {
	defer h.recovered(&err)
	b := newBench(h, opts)
	parts := []struct {
		name string
		run  func()
	}{
		{"speed", b.speed},
		{"tls", b.tls},
		{"memory", b.memory},
		{"faults", b.faults},
		{"storm", b.storm},
		{"bundle", b.bundle},
		{"start", b.start},
		{"targets", b.targets},
		{"growth", b.growth},
	}
	for _, part := range parts {
		if opts.wants(part.name) && h.ctx.Err() == nil {
			h.Logf("part %s", part.name)
			part.run()
		}
	}
	b.report.Judge()
	return b.report, context.Cause(h.ctx)
}
