// Package charttest makes charts for tests.
package charttest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"slices"
	"testing"
)

// Pack makes a chart archive of files, named below the chart's folder.
func Pack(t testing.TB, files map[string]string) []byte {
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

// YAML is the Chart.yaml of a sample.
const YAML = "apiVersion: v2\nname: sample\nversion: v1.2.3\nappVersion: latest\n"

// Sample is a chart of the given template, files and all, as parse reads it.
func Sample[C any](t testing.TB, parse func([]byte) (C, error), template string, more map[string]string) C {
	t.Helper()
	files := map[string]string{"Chart.yaml": YAML, "templates/all.yaml": template}
	maps.Copy(files, more)
	chart, err := parse(Pack(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return chart
}
