package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
)

// Values are unknown where they change nothing that the chart renders: maps may be free-form,
// and a chart may have values that it does not list.
func TestUnknownValues(t *testing.T) {
	chart := sample(t, `
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  image: {{ .Values.image.tag | quote }}
  unlisted: {{ .Values.unlisted | quote }}
  {{- range $key, $value := .Values.config.data }}
  {{ $key }}: {{ $value | quote }}
  {{- end }}
  needed: {{ required "needed is needed" .Values.needed }}
`, map[string]string{"values.yaml": "postgresImage: a\nimage: {tag: b}\nconfig: {data: {}}\n"})
	var mapping [][]string
	values := map[string]any{"postgresImage": "x"}
	for _, path := range [][]string{
		{"postgresImage"}, {"image", "tag"}, {"image", "x"}, {"instanceRegistryRepo"},
		{"unlisted"}, {"config", "data", "POSTGRES_IMAGE_NAME"}, {"needed"}, {"config", "x"}, {"unset"},
	} {
		mapping = append(mapping, path)
		if path[0] != "unset" {
			valuetree.SetIn(values, nil, path, "x")
		}
	}
	defaults, err := chart.Defaults(t.Context(), Confinement{})
	if err != nil {
		t.Fatal(err)
	}
	rendering := render(t, chart, values)
	got, err := chart.UnknownValues(t.Context(), mapping, defaults, values, rendering, RenderOptions{Release: "r", Namespace: "ns"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"image.x", "instanceRegistryRepo", "config.x"}, got); diff != "" {
		t.Errorf("UnknownValues() (-want +got):\n%s", diff)
	}
	all := [][]string{{"instanceRegistryRepo"}, {"image", "x"}}
	if got, err := chart.UnknownValues(t.Context(), all, defaults, values, rendering, RenderOptions{Release: "r", Namespace: "ns"}); err != nil || len(got) != 2 {
		t.Errorf("UnknownValues(unknown alone) = %v, %v, want both", got, err)
	}
}
