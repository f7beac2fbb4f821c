// Package loading holds the use cases that put a bundle into private registries.
package loading

import (
	"cmp"
	"context"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
)

// Load puts a bundle into the private registry. Its result is as that of copying.Copy.
func Load(ctx context.Context, s *relocate.Session, file relocate.BundleFile) (*copying.Copied, error) {
	l := newLoading(s, file)
	defer l.close()
	err := relocate.Run(ctx,
		l.ReadRules,   // what artifacts have to be
		l.openChecked, // every byte of the bundle is right, or nothing is sent
		l.confine,     // it goes where it belongs, and says where
		l.connect,     // the bundle is the source
		l.compare,     // what the registry lacks
		l.Transfer,    // move it, tags last
	)
	if l.Copied != nil && ctx.Err() == nil {
		err = cmp.Or(l.Attest(ctx, ""), err)
	}
	return l.Copied, err
}

// Plan says what loading a bundle would move, and moves nothing.
func Plan(ctx context.Context, s *relocate.Session, file relocate.BundleFile) (*copying.Planned, error) {
	l := newLoading(s, file)
	l.Measure = true
	defer l.close()
	err := relocate.Run(ctx,
		l.ReadRules, // what artifacts have to be
		l.open,
		l.confine, // it goes where it belongs
		l.connect, // the bundle is the source
		l.compare, // what the registry lacks
	)
	if err != nil {
		return nil, err
	}
	return &copying.Planned{Plan: l.Plan, Failures: relocate.FailuresOfPlan(l.Plan)}, nil
}

// loading is a load that is under way.
type loading struct {
	copying.Copying
	file   relocate.BundleFile
	bundle *bundle.Bundle
}

func newLoading(s *relocate.Session, file relocate.BundleFile) *loading {
	return &loading{Copying: copying.Copying{Planning: copying.Planning{Session: s}, NoTempFiles: true}, file: file}
}

func (l *loading) open(ctx context.Context) (err error) {
	l.bundle, err = l.OpenBundle(ctx, l.file)
	return err
}

func (l *loading) openChecked(ctx context.Context) (err error) {
	l.bundle, err = l.OpenChecked(ctx, l.file, false)
	return err
}

// confine refuses what would go outside of the products' folders, unless that is wanted, and
// tells every target: who wrote a bundle has chosen them.
func (l *loading) confine(context.Context) error {
	folders, err := l.Folders()
	if err != nil {
		return err
	}
	if !l.file.AnyTarget {
		if err := l.bundle.Confine(folders, l.Config.Registry); err != nil {
			return &exit.VerificationError{Err: err}
		}
	}
	for _, target := range l.bundle.Lock().Targets(l.Config.Registry) {
		l.Note("to %s", target)
	}
	return nil
}

func (l *loading) close() {
	if l.bundle != nil {
		l.bundle.Close()
	}
}

// connect wants what a delta leaves out to be there.
func (l *loading) connect(ctx context.Context) error {
	target, err := l.Clients.Target(ctx, true)
	if err != nil {
		return err
	}
	l.Artifacts = l.bundle.Lock().ArtifactsFor(l.Config.Registry)
	slices.SortStableFunc(l.Artifacts, relocate.Order)
	target.Prepare(relocate.Repositories(l.Artifacts))
	held, err := l.bundle.CheckOmitted(ctx, target, l.Config.Registry)
	l.Held, l.Left, l.Sides = held, l.bundle.Left(), l.bundle.Endpoints(target, held)
	return err
}

func (l *loading) compare(ctx context.Context) error {
	l.Note("planning %s -> %s", output.Count(len(l.Artifacts), "artifact"), relocate.TargetFolder(l.Artifacts))
	return l.Make(ctx)
}
