package chart

import (
	"context"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// UnknownValues are the keys of rewritten values that make no difference to what the chart
// renders, and are not among its own values either: a chart of another release would ignore
// them without a word. A value that the chart does not list is asked for by rendering without
// it, for maps may be free-form, and values may be known to the templates alone. values are
// those that rendering was made of.
func (c *Chart) UnknownValues(ctx context.Context, mapping []versions.Value, defaults, values map[string]any, rendering *Rendering, opts RenderOptions) ([]string, error) {
	var unlisted []versions.Value
	for _, value := range mapping {
		if has(values, value.Path) && !has(defaults, value.Path) {
			unlisted = append(unlisted, value)
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
	for _, value := range unlisted {
		ignored, err := c.ignores(ctx, []versions.Value{value}, values, manifest, opts)
		if err != nil {
			return nil, err
		}
		if ignored {
			unknown = append(unknown, value.Key())
		}
	}
	return unknown, nil
}

// ignores tells whether the chart renders the same without some values. One that cannot be
// rendered without them does not ignore them.
func (c *Chart) ignores(ctx context.Context, some []versions.Value, values map[string]any, manifest string, opts RenderOptions) (bool, error) {
	without := copyValues(values)
	for _, value := range some {
		unset(without, value.Path)
	}
	rendering, err := c.Render(ctx, without, opts)
	if err != nil {
		return false, context.Cause(ctx)
	}
	return rendering.Manifest() == manifest, nil
}

func keys(values []versions.Value) []string {
	all := make([]string, len(values))
	for i, value := range values {
		all[i] = value.Key()
	}
	return all
}

// KnowsNone tells whether none of the values is among a chart's own.
func KnowsNone(mapping []versions.Value, defaults map[string]any) bool {
	return CountSet(mapping, defaults) == 0
}

// CountSet is how many of the mapping's values are set.
func CountSet(mapping []versions.Value, values map[string]any) int {
	count := 0
	for _, value := range mapping {
		if has(values, value.Path) {
			count++
		}
	}
	return count
}

func has(values map[string]any, path []string) bool {
	inner, ok := values[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	below, ok := inner.(map[string]any)
	return ok && has(below, path[1:])
}

func unset(values map[string]any, path []string) {
	if len(path) == 1 {
		delete(values, path[0])
	} else if below, ok := values[path[0]].(map[string]any); ok {
		unset(below, path[1:])
	}
}
