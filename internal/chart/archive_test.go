package chart

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
)

// sample is a chart of the given template, files and all.
func sample(t *testing.T, template string, more map[string]string) *Chart {
	t.Helper()
	return charttest.Sample(t, Parse, template, more)
}

// render renders a chart with its defaults.
func render(t *testing.T, chart *Chart, values map[string]any) *Rendering {
	t.Helper()
	rendering, err := chart.Render(t.Context(), values, RenderOptions{Release: "r", Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	return rendering
}
