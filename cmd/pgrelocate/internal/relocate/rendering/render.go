package rendering

import (
	"context"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// ValuesOptions are what making values takes besides the settings.
type ValuesOptions struct {
	Destination reaching.Destination
	// Offline asks no registry what it has.
	Offline bool
	// Only is the chart of the release, by its name; empty is the operator's.
	Only string
	// PinDigest names images by the registry's digests as well, where a value takes them. It does not go with
	// Offline.
	PinDigest bool
}

// Values are the chart's values that name the private registry. What was not relocated is not
// named, and told of.
func Values(ctx context.Context, s *relocate.Session, opts ValuesOptions) (map[string]any, error) {
	if !opts.Offline {
		if err := discovery.LearnMirrored(ctx, s); err != nil {
			return nil, err
		}
	}
	subject, err := Subject(s, opts.Destination, ChartChoice{})
	if err == nil && opts.Only != "" {
		subject, err = partNamed(subject, opts.Only)
	}
	if err != nil {
		return nil, err
	}
	var reg verify.Puller
	if !opts.Offline {
		if reg, err = s.Clients.Target(ctx, false); err != nil {
			return nil, err
		}
	}
	rewritten, err := preparation.Values(ctx, subject, reg, s.Options.Confinement)
	if err != nil {
		return nil, err
	}
	s.Warn(rewritten.Notices()...)
	if !opts.PinDigest || reg == nil {
		return rewritten.Values, nil
	}
	pinned, rest, err := pinDigests(ctx, reg, subject, rewritten, s.Options.Confinement)
	if err == nil && len(rest) > 0 {
		s.Warn(notPinned(rest))
	}
	return pinned, err
}

// RenderOptions are what rendering takes besides the settings.
type RenderOptions struct {
	Destination reaching.Destination
	Chart       ChartChoice
	Render      chart.RenderOptions
	// OnlyMirrored leaves out the versions whose image was not relocated.
	OnlyMirrored bool
	// Only is the chart of the release that is rendered alone, by its name; empty for all.
	Only string
}

// Render makes the manifests that an installation would apply, chart by chart. No cluster is asked.
func Render(ctx context.Context, s *relocate.Session, opts RenderOptions) ([]*preparation.Prepared, error) {
	if err := discovery.LearnMirrored(ctx, s); err != nil {
		return nil, err
	}
	subject, err := Subject(s, opts.Destination, opts.Chart)
	if err != nil {
		return nil, err
	}
	reg, err := s.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	parts, err := Parts(ctx, subject, opts.Only, reg)
	if err != nil {
		return nil, err
	}
	opts.Render.Confinement = s.Options.Confinement
	var all []*preparation.Prepared
	for _, part := range parts {
		prepared, err := renderOne(ctx, s, part, reg, opts)
		if err != nil && part.Part != "" {
			err = fmt.Errorf("chart %s: %w", part.Part, err)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, prepared)
	}
	return all, nil
}

// renderOne renders one chart.
func renderOne(ctx context.Context, s *relocate.Session, subject preparation.Subject, reg verify.Puller, opts RenderOptions) (*preparation.Prepared, error) {
	prepared, err := preparation.Prepare(ctx, subject, reg, opts.Render)
	if prepared != nil {
		s.Warn(prepared.Notices...)
	}
	if err != nil || !opts.OnlyMirrored {
		return prepared, err
	}
	return prepared, onlyMirrored(ctx, s, prepared, reg)
}

// onlyMirrored leaves out of the manifests what was not relocated, and names it.
func onlyMirrored(ctx context.Context, s *relocate.Session, prepared *preparation.Prepared, reg verify.Puller) error {
	known := len(prepared.Notices)
	if err := prepared.Resolve(ctx, reg); err != nil {
		return err
	}
	s.Warn(prepared.Notices[known:]...)
	prepared.OnlyMirrored(nil)
	if len(prepared.LeftOut) > 0 {
		s.Warn("left out, for their image was not relocated: " + strings.Join(prepared.LeftOut, ", "))
	}
	if len(prepared.Unmirrored) > 0 {
		s.Warn("named, although its image was not relocated: " + strings.Join(prepared.Unmirrored, ", "))
	}
	return nil
}
