package chart

import (
	"context"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

// UnknownValues are the keys of rewritten values, to which paths lead, that make no difference to what the chart
// renders, and are not among its own values either: a chart of another release would ignore
// them without a word. A value that the chart does not list is asked for by rendering without
// it, for maps may be free-form, and values may be known to the templates alone. values are
// those that rendering was made of.
func (c *Chart) UnknownValues(ctx context.Context, paths [][]string, defaults, values map[string]any, rendering *Rendering, opts RenderOptions) ([]string, error) {
	var unlisted [][]string
	for _, path := range paths {
		if valuetree.Has(values, path) && !valuetree.Has(defaults, path) {
			unlisted = append(unlisted, path)
		}
	}
	if len(unlisted) == 0 {
		return nil, nil
	}
	manifest := rendering.Manifest()
	ignored, err := c.ignores(ctx, unlisted, values, manifest, opts)
	switch {
	case err != nil:
		return nil, err
	case ignored:
		return keys(unlisted), nil
	case len(unlisted) == 1:
		return nil, nil
	}
	var unknown []string
	for _, path := range unlisted {
		ignored, err := c.ignores(ctx, [][]string{path}, values, manifest, opts)
		if err != nil {
			return nil, err
		}
		if ignored {
			unknown = append(unknown, valuepath.Key(path))
		}
	}
	return unknown, nil
}

// ignores tells whether the chart renders the same without some values. One that cannot be
// rendered without them does not ignore them.
func (c *Chart) ignores(ctx context.Context, some [][]string, values map[string]any, manifest string, opts RenderOptions) (bool, error) {
	without := valuetree.CopyValues(values)
	for _, path := range some {
		valuetree.Unset(without, path)
	}
	rendering, err := c.Render(ctx, without, opts)
	if err != nil {
		return false, context.Cause(ctx)
	}
	return rendering.Manifest() == manifest, nil
}

func keys(paths [][]string) []string {
	all := make([]string, len(paths))
	for i, path := range paths {
		all[i] = valuepath.Key(path)
	}
	return all
}

// KnowsNone tells whether none of the values that paths lead to is among a chart's own.
func KnowsNone(paths [][]string, defaults map[string]any) bool {
	return CountSet(paths, defaults) == 0
}

// CountSet is how many of the values that paths lead to are set.
func CountSet(paths [][]string, values map[string]any) int {
	count := 0
	for _, path := range paths {
		if valuetree.Has(values, path) {
			count++
		}
	}
	return count
}
