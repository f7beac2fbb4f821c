// Package demo does the whole job on one machine: between two registries of its own, one with a
// stand-in release and one that is empty, and into a cluster if one is named. It carries out what
// users would type by the functions that commands are made of, and checks what came of it by
// asking the registries themselves.
//
//	err := demo.Run(ctx, demo.Options{...})
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Options say how the job is shown. All functions, Settings and Result are needed.
type Options struct {
	// Dir is where the private registry keeps its content, and finds that of an earlier run;
	// where it is empty, the content is removed at the end.
	Dir string
	// Keep leaves both registries running until the context ends.
	Keep bool
	// Destination is the cluster into which it goes on; none where Destination.Kubeconfig is empty.
	Destination reaching.Destination
	// Settings are the user's: only how much is said counts, the others are for their own
	// registries.
	Settings *config.Config
	// UserAgent is what the registries are told when they are checked.
	UserAgent string

	Commands
	// Note, Detail and Warn tell the user something, one message each, as fmt.Printf forms it;
	// Result receives what was found in the end.
	Note, Detail, Warn func(format string, args ...any)
	Result             io.Writer
}

// Commands are what a user would type. They print their own results.
type Commands struct {
	Plan, Copy func(context.Context, *config.Config) error
	// Install, Verify (by the nodes) and Uninstall are for a cluster.
	Install, Verify, Uninstall func(context.Context, *config.Config, reaching.Destination) error
}

// Run shows the job, step by step, and ends with what to do next. An error names its step; it is
// the cause of the context's end where that was before the last step.
func Run(ctx context.Context, opts Options) error {
	d, err := begin(opts)
	if err != nil {
		return err
	}
	defer d.close()
	defer d.leaveCluster(ctx)
	steps := d.steps()
	for i, step := range steps {
		d.Note("\n%d/%d  %s", i+1, len(steps), step.title)
		if err := step.run(ctx); ctx.Err() != nil {
			return context.Cause(ctx)
		} else if err != nil {
			return fmt.Errorf("demo, step %d: %w", i+1, err)
		}
	}
	if d.Keep {
		d.stay(ctx)
		return nil
	}
	d.whatNext()
	return nil
}

// demo is one run of the demonstration.
type demo struct {
	Options
	// cfg is what a user would have set for these two registries.
	cfg *config.Config
	// temporary is removed at the end; the private registry's content is in Dir.
	temporary string

	vendor, private *countedRegistry
	// installed says that the cluster has the stand-in's operator.
	installed bool
	// published is what the vendor's registry holds, with digests.
	published []versions.Artifact
}

func begin(opts Options) (*demo, error) {
	temporary, err := os.MkdirTemp("", "pgrelocate-demo-")
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return nil, exit.Usagef("no folder can be made in %s: %w", os.TempDir(), failed.Err).WithHint("name another one with TMPDIR")
	}
	if err != nil {
		return nil, err
	}
	if opts.Dir == "" {
		opts.Dir = filepath.Join(temporary, "private")
	}
	opts.Destination.PullSecret = traits.DefaultPullSecret
	own := config.Defaults()
	own.Lock = config.NoLock
	own.Quiet, own.Verbose, own.NoProgress = opts.Settings.Quiet, opts.Settings.Verbose, opts.Settings.NoProgress
	return &demo{Options: opts, cfg: own, temporary: temporary}, nil
}

// close ends the registries and removes what was temporary.
func (d *demo) close() {
	d.vendor.close()
	d.private.close()
	if err := os.RemoveAll(d.temporary); err != nil {
		d.Warn("%v", err)
	}
}

// step is one step with what it says before it starts.
type step struct {
	title string
	run   func(context.Context) error
}

// steps are the demonstration.
func (d *demo) steps() []step {
	return append([]step{
		{"Start a vendor's registry that holds a stand-in release", d.publish},
		{"Start a private registry", d.openPrivate},
		{"Plan: what would a copy move?", d.plan},
		{"Copy", d.copy},
		{"Copy again: there is nothing to do", d.copyAgain},
		{"Check that both registries hold the same", d.check},
	}, d.clusterSteps()...)
}
