package chart

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
)

func TestParseRefusesWhatIsNoChart(t *testing.T) {
	tests := []struct {
		name    string
		archive []byte
	}{
		{"empty", nil},
		{"text", []byte("not an archive")},
		{"archive without Chart.yaml", charttest.Pack(t, map[string]string{"values.yaml": "a: 1"})},
		{"Chart.yaml without a name", charttest.Pack(t, map[string]string{"Chart.yaml": "apiVersion: v2\nversion: 1.0.0\n"})},
		{"too large", make([]byte, MaxArchive+1)},
		{"cut short", charttest.Pack(t, map[string]string{"Chart.yaml": charttest.YAML})[:60]},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := Parse(tt.archive); !errors.Is(err, ErrNotAChart) {
				t.Errorf("Parse(%s) = %v, want ErrNotAChart", tt.name, err)
			}
		})
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "sample.tgz")
	if err := os.WriteFile(file, charttest.Pack(t, map[string]string{"Chart.yaml": charttest.YAML, "values.yaml": "operatorImage: a\n"}), 0o600); err != nil {
		t.Fatal(err)
	}
	chart, err := ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if chart.Name() != "sample" || chart.Version() != "v1.2.3" {
		t.Errorf("ReadFile() = %s %s, want sample v1.2.3", chart.Name(), chart.Version())
	}
	defaults, err := chart.Defaults(t.Context(), Confinement{})
	if err != nil || defaults["operatorImage"] != "a" {
		t.Errorf("Defaults() = %v, %v, want operatorImage a", defaults, err)
	}
	if _, err := ReadFile(dir); err == nil || !strings.Contains(err.Error(), "helm package") {
		t.Errorf("ReadFile(folder) = %v, want advice to pack it", err)
	}
	if _, err := ReadFile(filepath.Join(dir, "none.tgz")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("ReadFile(none) = %v, want os.ErrNotExist", err)
	}
}

// A chart without the charts that it depends on would render a part of what it is, and say nothing.
func TestChartWithoutItsDependencies(t *testing.T) {
	files := map[string]string{
		"Chart.yaml":       charttest.YAML + "dependencies: [{name: pooler, version: 1.0.0, repository: 'https://charts.example.com'}]\n",
		"templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	}
	lacking, err := Parse(charttest.Pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	_, rendered := lacking.Render(t.Context(), nil, RenderOptions{Release: "sample"})
	_, defaults := lacking.Defaults(t.Context(), Confinement{})
	_, loaded := lacking.Helm()
	for name, err := range map[string]error{"Render": rendered, "Defaults": defaults, "Helm": loaded} {
		if err == nil || !strings.Contains(err.Error(), "packed without charts that it depends on") || !strings.Contains(err.Error(), "pooler") {
			t.Errorf("%s() = %v, want that it lacks pooler", name, err)
		}
	}
	files["charts/pooler/Chart.yaml"] = "apiVersion: v2\nname: pooler\nversion: 1.0.0\n"
	whole, err := Parse(charttest.Pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := whole.Render(t.Context(), nil, RenderOptions{Release: "sample"}); err != nil {
		t.Errorf("Render() with all charts = %v", err)
	}
}

// A library renders nothing: what was meant is the chart that uses it.
func TestLibrary(t *testing.T) {
	library, err := Parse(charttest.Pack(t, map[string]string{"Chart.yaml": charttest.YAML + "type: library\n"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := library.Render(t.Context(), nil, RenderOptions{Release: "sample"}); err == nil || !strings.Contains(err.Error(), "it is a library") {
		t.Errorf("Render() of a library = %v, want that it is one", err)
	}
}

// A chart asks for a newer Kubernetes than the one helm assumes when it is a library.
func TestRenderKubeVersion(t *testing.T) {
	chart := sample(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ .Capabilities.KubeVersion.Minor | quote }} }\n",
		map[string]string{"Chart.yaml": charttest.YAML + "kubeVersion: '>=1.25.0-0'\n"})
	if got := render(t, chart, nil).Objects[0].GetName(); got != "36" {
		t.Errorf("Render() saw minor %q, want 36", got)
	}
	_, err := chart.Render(t.Context(), nil, RenderOptions{Release: "r", Namespace: "ns", KubeVersion: "v1.24.0"})
	if err == nil || !strings.Contains(err.Error(), "incompatible with Kubernetes v1.24.0") {
		t.Errorf("Render(1.24) = %v, want incompatible", err)
	}
	if _, err := chart.Render(t.Context(), nil, RenderOptions{Release: "r", Namespace: "ns", KubeVersion: "new"}); err == nil {
		t.Error("Render(KubeVersion new) succeeded")
	}
}

// What the user gave must be the same afterwards, and the chart able to render again.
func TestRenderLeavesValuesAlone(t *testing.T) {
	chart := sample(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {text: {{ .Values.a.b }} {{ .Values.a.c }}}\n", map[string]string{"values.yaml": "a: {b: default, c: kept}\n"})
	values := map[string]any{"a": map[string]any{"b": "mine"}}
	for range 2 {
		if got := render(t, chart, values).Manifest(); !strings.Contains(got, "mine kept") {
			t.Errorf("Render() = %s, want mine kept", got)
		}
	}
	if len(values["a"].(map[string]any)) != 1 {
		t.Errorf("Render() altered the values: %v", values)
	}
}

func TestRenderFailureNamesTheTemplate(t *testing.T) {
	chart := sample(t, `{{ required "operatorImage is needed" .Values.operatorImage }}`, nil)
	_, err := chart.Render(t.Context(), nil, RenderOptions{Release: "r", Namespace: "ns"})
	if err == nil || !strings.Contains(err.Error(), "operatorImage is needed") {
		t.Errorf("Render() = %v, want the template's own words", err)
	}
}
