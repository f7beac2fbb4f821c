package chart

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"slices"
	"testing"
)

// pack makes a chart archive of files, named below the chart's folder.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	tarred := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &tar.Header{Name: "sample/" + name, Mode: 0o644, Size: int64(len(files[name])), Typeflag: tar.TypeReg}
		if err := tarred.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(tarred, files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := tarred.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const chartYAML = "apiVersion: v2\nname: sample\nversion: v1.2.3\nappVersion: latest\n"

// sample is a chart of the given template, files and all.
func sample(t *testing.T, template string, more map[string]string) *Chart {
	t.Helper()
	files := map[string]string{"Chart.yaml": chartYAML, "templates/all.yaml": template}
	maps.Copy(files, more)
	chart, err := Parse(pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return chart
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

// inConfigMap renders an object that holds text in its data, whatever is in the text.
func inConfigMap(t *testing.T, text string) *Rendering {
	t.Helper()
	template := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {text: {{ .Values.text | toJson }} }\n"
	return render(t, sample(t, template, nil), map[string]any{"text": text})
}
