package survey

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// switches are the keys of booleans that switch parts of a chart on.
var switchKey = regexp.MustCompile(`(?i)enable|create|install|deploy|activ|use|run|start|backup|metric|test`)

// switchesOf are the values that are off and can be switched on, and the subcharts that are.
func switchesOf(all map[string]any, conditions []string) []change {
	var found []change
	known := map[string]bool{}
	visit(nil, all, func(at path, value any) {
		on, ok := value.(bool)
		if !ok || at.isGlobalCopy() {
			return
		}
		known[at.key()] = true
		if !on && switchKey.MatchString(at.last()) {
			found = append(found, change{at, true})
		}
	})
	for _, list := range conditions {
		for _, condition := range strings.Split(list, ",") {
			if condition = strings.TrimSpace(condition); condition == "" || known[condition] {
				continue
			}
			var at path
			for _, key := range strings.Split(condition, ".") {
				at = append(at, key)
			}
			found = append(found, change{at, true})
		}
	}
	return found
}

// lookBehindSwitches finds what the chart runs only when something is switched on.
func (s *surveyor) lookBehindSwitches(ctx context.Context, coalesced *chart.Coalesced) error {
	known := s.known()
	groups, err := s.working(ctx, switchesOf(coalesced.Values, coalesced.Conditions))
	if err != nil {
		return err
	}
	if groups, err = s.joined(ctx, groups); err != nil {
		return err
	}
	for _, group := range groups {
		if err := s.behind(ctx, group, known); err != nil {
			return err
		}
	}
	return nil
}

// group is a set of switches that the chart renders with, all on.
type group struct {
	switches  []change
	rendering *chart.Rendering
}

// working splits switches into groups with which the chart can be rendered, as large as may be.
func (s *surveyor) working(ctx context.Context, switches []change) ([]group, error) {
	if len(switches) == 0 || s.spent() {
		return nil, nil
	}
	rendering, err := s.render(ctx, s.flipped(switches))
	switch {
	case err == nil:
		return []group{{switches, rendering}}, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case len(switches) == 1:
		s.failing = append(s.failing, switches[0].at.key())
		return nil, nil
	}
	half := len(switches) / 2
	first, err := s.working(ctx, switches[:half])
	if err != nil {
		return nil, err
	}
	second, err := s.working(ctx, switches[half:])
	return append(first, second...), err
}

// joined puts groups together where the chart can be rendered with both: what takes two switches
// may stand in two groups.
func (s *surveyor) joined(ctx context.Context, groups []group) ([]group, error) {
	var all []group
	for _, g := range groups {
		if len(all) == 0 || s.spent() {
			all = append(all, g)
			continue
		}
		both := slices.Concat(all[0].switches, g.switches)
		rendering, err := s.render(ctx, s.flipped(both))
		switch {
		case err == nil:
			all[0] = group{both, rendering}
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		default:
			all = append(all, g)
		}
	}
	return all, nil
}

// flipped are the user's values with switches on.
func (s *surveyor) flipped(switches []change) map[string]any {
	return with(s.Values, s.survey.views[0].all, switches)
}

// behind looks at the images that a group of switches brings: which of the switches each takes, and
// which values lead to it.
func (s *surveyor) behind(ctx context.Context, g group, known map[ref.Reference]bool) error {
	fresh := false
	for _, m := range naming.Mentions(g.rendering, s.survey.Origin) {
		if m.Repository || known[m.Image] {
			continue
		}
		fresh = true
		needed, err := s.fewest(ctx, nil, g.switches, m.Image)
		if err != nil {
			return err
		}
		if err := s.explain(ctx, needed, known); err != nil {
			return err
		}
		if !known[m.Image] { // the search was cut short
			known[m.Image] = true
			s.survey.image(m.Image, keysOf(needed))
		}
	}
	if !fresh {
		return nil
	}
	coalesced, err := s.chart.Coalesce(ctx, s.flipped(g.switches), s.Options.Render.Confinement)
	if err != nil {
		return err
	}
	return s.look(ctx, &view{values: s.flipped(g.switches), all: coalesced.Values, rendering: g.rendering, flips: keysOf(g.switches)})
}

// explain notes all images that come with some switches.
func (s *surveyor) explain(ctx context.Context, switches []change, known map[ref.Reference]bool) error {
	rendering, err := s.render(ctx, s.flipped(switches))
	if err != nil {
		return context.Cause(ctx)
	}
	for _, m := range naming.Mentions(rendering, s.survey.Origin) {
		if !m.Repository && !known[m.Image] {
			known[m.Image] = true
			s.survey.image(m.Image, keysOf(switches))
		}
	}
	return nil
}

// fewest finds the switches, among some, that an image takes, with fixed ones on: it goes on with
// whichever half shows the image and, where both are needed, with each of them.
func (s *surveyor) fewest(ctx context.Context, fixed, some []change, image ref.Reference) ([]change, error) {
	if len(some) <= 1 || s.spent() {
		return some, nil
	}
	half := len(some) / 2
	for _, part := range [][]change{some[:half], some[half:]} {
		shows, err := s.shows(ctx, slices.Concat(fixed, part), image)
		if err != nil {
			return nil, err
		}
		if shows {
			return s.fewest(ctx, fixed, part, image)
		}
	}
	first, err := s.fewest(ctx, slices.Concat(fixed, some[half:]), some[:half], image)
	if err != nil {
		return nil, err
	}
	second, err := s.fewest(ctx, slices.Concat(fixed, first), some[half:], image)
	return slices.Concat(first, second), err
}

// shows tells whether the chart names an image with some switches on.
func (s *surveyor) shows(ctx context.Context, switches []change, image ref.Reference) (bool, error) {
	key := strings.Join(keysOf(switches), " ")
	images, known := s.shown[key]
	if !known {
		rendering, err := s.render(ctx, s.flipped(switches))
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err == nil { // what cannot be rendered shows nothing
			for _, m := range naming.Mentions(rendering, s.survey.Origin) {
				images = append(images, m.Image)
			}
		}
		s.shown[key] = images
	}
	return slices.Contains(images, image), nil
}

func keysOf(switches []change) []string {
	keys := make([]string, len(switches))
	for i, c := range switches {
		keys[i] = c.at.key()
	}
	slices.Sort(keys)
	return keys
}
