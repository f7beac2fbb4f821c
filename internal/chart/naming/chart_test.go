package naming

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
)

// sample is a chart of the given template, files and all.
func sample(t *testing.T, template string, more map[string]string) *chart.Chart {
	t.Helper()
	return charttest.Sample(t, chart.Parse, template, more)
}

// render renders a chart with its defaults.
func render(t *testing.T, packed *chart.Chart, values map[string]any) *chart.Rendering {
	t.Helper()
	rendering, err := packed.Render(t.Context(), values, chart.RenderOptions{Release: "r", Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	return rendering
}

// inConfigMap renders an object that holds text in its data, whatever is in the text.
func inConfigMap(t *testing.T, text string) *chart.Rendering {
	t.Helper()
	template := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {text: {{ .Values.text | toJson }} }\n"
	return render(t, sample(t, template, nil), map[string]any{"text": text})
}
