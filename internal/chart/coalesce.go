package chart

import (
	"context"
	"fmt"

	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
)

// Coalesced are all values that templates see with the given ones over the chart's own: those of
// subcharts stand below their names, as a user would set them.
type Coalesced struct {
	Values map[string]any
	// Conditions are the values that switch the subcharts on, as their paths, "postgresql.enabled".
	Conditions []string
}

// Coalesce computes all values of the chart.
func (c *Chart) Coalesce(ctx context.Context, values map[string]any, confinement Confinement) (*Coalesced, error) {
	made, err := confinement.run(ctx, request{Archive: c.archive, Values: valuetree.CopyValues(values), Coalesce: true})
	if err != nil {
		return nil, fmt.Errorf("reading chart %s %s: %w", c.Name(), c.Version(), err)
	}
	return &Coalesced{Values: made.Defaults, Conditions: made.Conditions}, nil
}

func (r request) coalesce() (*response, error) {
	loaded, err := load(r.Archive)
	if err != nil {
		return nil, err
	}
	conditions := conditionsOf(loaded, "")
	values := valuetree.CopyValues(r.Values)
	if err := chartutil.ProcessDependenciesWithMerge(loaded, values); err != nil {
		return nil, err
	}
	all, err := chartutil.CoalesceValues(loaded, values)
	if err != nil {
		return nil, err
	}
	return &response{Defaults: plain(all).(map[string]any), Conditions: conditions}, nil
}

// conditionsOf are the paths of the values that switch a chart's subcharts, and theirs, on.
func conditionsOf(chart *helmchart.Chart, below string) []string {
	var all []string
	for _, dependency := range chart.Metadata.Dependencies {
		name := dependency.Name
		if dependency.Alias != "" {
			name = dependency.Alias
		}
		if dependency.Condition != "" {
			all = append(all, below+dependency.Condition)
		}
		for _, sub := range chart.Dependencies() {
			if sub.Name() == dependency.Name {
				all = append(all, conditionsOf(sub, below+name+".")...)
			}
		}
	}
	return all
}

// plain turns helm's own type of map into the usual one.
func plain(value any) any {
	switch value := value.(type) {
	case chartutil.Values:
		return plain(map[string]any(value))
	case map[string]any:
		all := make(map[string]any, len(value))
		for key, inner := range value {
			all[key] = plain(inner)
		}
		return all
	case []any:
		all := make([]any, len(value))
		for i, inner := range value {
			all[i] = plain(inner)
		}
		return all
	default:
		return value
	}
}
