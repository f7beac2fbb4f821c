package loading

import (
	"cmp"
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
)

// Each is Load into each of several private registries. The bundle is checked once; each fails by
// itself, and the error is nil once it has come to that.
func Each(ctx context.Context, s *relocate.Session, file relocate.BundleFile) (*copying.Several, error) {
	l := newLoadings(s, file)
	defer l.close()
	err := relocate.Run(ctx,
		l.checkLogin,               // that no login is sent where it does not belong
		l.readRules,                // what artifacts have to be
		l.openChecked,              // every byte of the bundle is right, or nothing is sent
		l.each((*loading).confine), // it goes where it belongs, and says where
	)
	if err != nil {
		return nil, err
	}
	return l.together(ctx, func(ctx context.Context, l *loading, t *copying.Target) error {
		err := relocate.Run(ctx,
			l.connect,  // the bundle is the source
			l.compare,  // what the registry lacks
			l.Transfer, // move it, tags last
		)
		t.Copied = l.Copied
		if l.Copied != nil && ctx.Err() == nil {
			err = cmp.Or(l.Attest(ctx, ""), err)
		}
		return err
	}), nil
}

// PlanEach is Plan for each of several private registries.
func PlanEach(ctx context.Context, s *relocate.Session, file relocate.BundleFile) (*copying.Several, error) {
	l := newLoadings(s, file)
	defer l.close()
	err := relocate.Run(ctx,
		l.checkLogin,
		l.readRules,
		l.open,
		l.each((*loading).confine),
	)
	if err != nil {
		return nil, err
	}
	return l.together(ctx, func(ctx context.Context, l *loading, t *copying.Target) error {
		l.Measure = true
		if err := relocate.Run(ctx, l.connect, l.compare); err != nil {
			return err
		}
		t.Planned = &copying.Planned{Plan: l.Plan, Failures: relocate.FailuresOfPlan(l.Plan)}
		return t.Planned.Failures
	}), nil
}

// loadings are loads of one bundle into several registries.
type loadings struct {
	session *relocate.Session
	file    relocate.BundleFile
	bundle  *bundle.Bundle
	all     []*loading
}

func newLoadings(s *relocate.Session, file relocate.BundleFile) *loadings {
	l := &loadings{session: s, file: file}
	for _, to := range s.Config.Registries() {
		l.all = append(l.all, newLoading(s.For(to), file))
	}
	return l
}

func (l *loadings) checkLogin(context.Context) error { return copying.CheckLogin(l.session.Config) }

func (l *loadings) each(step func(*loading, context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, one := range l.all {
			if err := step(one, ctx); err != nil {
				return err
			}
		}
		return nil
	}
}

// readRules reads for all what artifacts have to be.
func (l *loadings) readRules(ctx context.Context) error {
	for _, one := range l.all {
		one.Rules.Trust = l.all[0].Rules.Trust
		if err := one.ReadRules(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *loadings) open(ctx context.Context) (err error) {
	l.bundle, err = l.session.OpenBundle(ctx, l.file)
	l.share()
	return err
}

func (l *loadings) openChecked(ctx context.Context) (err error) {
	l.bundle, err = l.session.OpenChecked(ctx, l.file, false)
	l.share()
	return err
}

// share gives the bundle to all.
func (l *loadings) share() {
	for _, one := range l.all {
		one.bundle = l.bundle
	}
}

func (l *loadings) close() {
	if l.bundle != nil {
		l.bundle.Close()
	}
}

// together loads into all registries at once, until all are done.
func (l *loadings) together(ctx context.Context, do func(context.Context, *loading, *copying.Target) error) *copying.Several {
	sessions := make([]*relocate.Session, len(l.all))
	for i, one := range l.all {
		sessions[i] = one.Session
	}
	return copying.Together(sessions, func(i int, t *copying.Target) error { return do(ctx, l.all[i], t) })
}
