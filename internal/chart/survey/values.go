package survey

import (
	"context"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// known are the images that were seen so far.
func (s *surveyor) known() map[ref.Reference]bool {
	known := map[ref.Reference]bool{}
	for _, v := range s.survey.views {
		for _, m := range v.mentions {
			known[m.Image] = true
		}
	}
	for _, image := range s.survey.Images {
		known[image.Ref] = true
	}
	return known
}

// lookIntoValues finds what the chart's values name and no rendering has shown. Switches may be in each
// other's way, a cache alone or one of several: those beside the image are tried without the others. What
// they do not bring either, a choice among words does, or values that only a user has.
func (s *surveyor) lookIntoValues(ctx context.Context, coalesced *chart.Coalesced) error {
	switches := switchesOf(coalesced.Values, coalesced.Conditions)
	for _, named := range naming.NamedIn(coalesced.Values, s.survey.Origin) {
		at := asPath(named.Path())
		if at.isGlobalCopy() || s.known()[named.Image] {
			continue
		}
		if near := around(at, switches); len(near) > 0 && !s.spent() {
			rendering, err := s.render(ctx, s.flipped(near))
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			if err == nil {
				if err := s.behind(ctx, group{near, rendering}, s.known()); err != nil {
					return err
				}
			}
		}
		if !s.known()[named.Image] {
			s.survey.image(named.Image, nil).InValues = at.key()
		}
	}
	return nil
}

func asPath(keys []string) path {
	var at path
	for _, key := range keys {
		at = append(at, key)
	}
	return at
}

// around are the switches that stand beside a value, or beside what it lies in, below the top.
func around(at path, switches []change) []change {
	return slices.DeleteFunc(slices.Clone(switches), func(c change) bool {
		parent := c.at[:len(c.at)-1]
		return len(parent) == 0 || len(parent) >= len(at) || !slices.Equal(parent, at[:len(parent)])
	})
}
