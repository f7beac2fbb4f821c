package survey

import (
	"context"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
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
		image := withTagBeside(named, coalesced.Values)
		if at.isGlobalCopy() || s.known()[image] {
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
		if !s.known()[image] {
			s.survey.image(image, nil).InValues = at.key()
		}
	}
	return nil
}

// withTagBeside is what a value names, with the tag that stands beside it where the name has none:
// {image: quay.io/acme/op, tag: "1"}.
func withTagBeside(named naming.NamedImage, values map[string]any) ref.Reference {
	keys := named.Path()
	text, isText := valuetree.LookUp(values, keys).(string)
	if !isText || strings.ContainsAny(text[strings.LastIndexByte(text, '/')+1:], ":@") {
		return named.Image
	}
	image := named.Image
	if tag, _ := valuetree.LookUp(values, append(keys[:len(keys)-1], "tag")).(string); tag != "" {
		image.Tag = tag
	}
	return image
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
