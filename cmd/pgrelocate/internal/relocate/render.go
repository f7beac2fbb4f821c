package relocate

import (
	"context"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// ValuesOptions are what making values takes besides the settings.
type ValuesOptions struct {
	Place Place
	// Offline asks no registry what it has.
	Offline bool
}

// Values are the chart's values that name the private registry, with the images beside the
// instances that were not relocated and are left out.
func (s *Session) Values(ctx context.Context, opts ValuesOptions) (values map[string]any, absent []string, err error) {
	subject, err := s.subject(opts.Place, ChartChoice{})
	if err != nil {
		return nil, nil, err
	}
	var reg verify.Puller
	if !opts.Offline {
		if reg, err = s.Clients.Target(ctx, false); err != nil {
			return nil, nil, err
		}
	}
	return install.RewrittenValues(ctx, subject, reg)
}

// RenderOptions are what rendering takes besides the settings.
type RenderOptions struct {
	Place  Place
	Chart  ChartChoice
	Render chart.RenderOptions
	// OnlyMirrored leaves out the versions whose image was not relocated.
	OnlyMirrored bool
}

// Render makes the manifests that an installation would apply. No cluster is asked.
func (s *Session) Render(ctx context.Context, opts RenderOptions) (*install.Prepared, error) {
	subject, err := s.subject(opts.Place, opts.Chart)
	if err != nil {
		return nil, err
	}
	reg, err := s.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	prepared, err := install.Prepare(ctx, subject, reg, opts.Render)
	if err != nil {
		return nil, err
	}
	if opts.OnlyMirrored {
		if err := prepared.Resolve(ctx, reg); err != nil {
			return nil, err
		}
		prepared.OnlyMirrored()
	}
	s.warn(prepared.Notices...)
	return prepared, nil
}
