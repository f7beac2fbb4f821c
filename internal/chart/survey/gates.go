package survey

import (
	"context"
	"regexp"
	"slices"
)

// gateKey are the keys of booleans by which a chart is told to take what it would refuse.
var gateKey = regexp.MustCompile(`(?i)allow|insecure|skip`)

// openGates is for charts that refuse images other than their vendor's unless some value lets
// them: where marked values were refused, it looks for the fewest of such values with which they are
// taken, and traces those marks with them.
func (s *surveyor) openGates(ctx context.Context, v *view) error {
	refused := s.refused
	s.refused = nil
	var gates []change
	visit(nil, v.all, func(at path, value any) {
		if value == false && !at.isGlobalCopy() && gateKey.MatchString(at.key()) {
			gates = append(gates, change{at, true})
		}
	})
	if len(refused) == 0 || len(gates) == 0 || s.spent() {
		return nil
	}
	takes := func(some []change) bool {
		_, err := s.render(ctx, with(v.values, v.all, slices.Concat(s.marked(refused[:1]), some)))
		return err == nil
	}
	if !takes(gates) {
		return context.Cause(ctx)
	}
	for i := len(gates) - 1; i >= 0 && len(gates) > 1 && !s.spent(); i-- {
		if fewer := slices.Delete(slices.Clone(gates), i, i+1); takes(fewer) {
			gates = fewer
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.survey.gates = append(s.survey.gates, gates...)
	return s.trace(ctx, v, refused)
}
