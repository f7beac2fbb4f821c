package survey

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

var update = flag.Bool("update", false, "write what is found into testdata")

// Each file is a chart in a shape that real ones have, with what has to be found of it.
func TestLook(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, want := unpack(t, archive)
			got := describe(t, c)
			if *update {
				writeWant(t, file, archive, got)
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Look (-want +got):\n%s", diff)
			}
		})
	}
}

// Each image is held against the others: a chart that names very many is refused, and not looked at for
// hours.
func TestAChartThatNamesTooMany(t *testing.T) {
	c, _ := unpack(t, &txtar.Archive{Files: []txtar.File{
		{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: many\nversion: 1.0.0\n")},
		{Name: "templates/pod.yaml", Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n" +
			"spec: {containers: [{{ range until 10001 }}{name: a, image: 'a.example.com/a:{{ . }}'},{{ end }}]}\n")},
	}})
	_, err := Look(t.Context(), c, Options{Render: chart.RenderOptions{Release: "r", Namespace: "ns"}, Most: 1})
	if !errors.Is(err, ErrTooMany) {
		t.Errorf("Look() = %v, want ErrTooMany", err)
	}
}

// unpack reads the chart of a file, and what is wanted of it.
func unpack(t *testing.T, archive *txtar.Archive) (*chart.Chart, string) {
	t.Helper()
	dir, want := t.TempDir(), ""
	for _, f := range archive.Files {
		if f.Name == "want" {
			want = string(f.Data)
			continue
		}
		at := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := chart.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, want
}

func writeWant(t *testing.T, file string, archive *txtar.Archive, got string) {
	t.Helper()
	var files []txtar.File
	for _, f := range archive.Files {
		if f.Name != "want" {
			files = append(files, f)
		}
	}
	archive.Files = append(files, txtar.File{Name: "want", Data: []byte(got)})
	if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// describe looks at a chart, moves it, and holds a rendering with the values against the proof.
func describe(t *testing.T, c *chart.Chart) string {
	t.Helper()
	render := chart.RenderOptions{Release: "r", Namespace: "ns"}
	found, err := Look(t.Context(), c, Options{Render: render, Switches: true})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, image := range found.Images {
		fmt.Fprintf(&text, "%s\n", image.Ref)
		switch {
		case image.Runs():
			fmt.Fprintf(&text, "  in %d places, by %s\n", len(image.Uses), strings.Join(image.Values, " "))
		case len(image.Switches) > 0:
			fmt.Fprintf(&text, "  with %s, by %s\n", strings.Join(image.Switches, " and "), strings.Join(image.Values, " "))
		case image.InValues != "":
			fmt.Fprintf(&text, "  is in values, at %s\n", image.InValues)
		default:
			fmt.Fprintf(&text, "  is listed\n")
		}
	}
	for _, key := range found.Failing {
		fmt.Fprintf(&text, "%s alone cannot be rendered\n", key)
	}
	target := ref.Folder{Host: "registry.example.com", Path: "mirror"}
	moved := found.Values(target, false)
	for _, m := range moved.Unreached {
		fmt.Fprintf(&text, "no value moves %s\n", m.Use)
	}
	for _, image := range moved.Images {
		fmt.Fprintf(&text, "%s -> %s\n", image.Source, image.Target)
	}
	values, err := chart.FormatValues(moved.Values)
	if err != nil {
		t.Fatal(err)
	}
	text.Write(values)
	rendering, err := c.Render(t.Context(), moved.Values, render)
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range (naming.Proof{Target: target, Origin: found.Origin}).Check(rendering).Open {
		fmt.Fprintf(&text, "not proved: %s: %s\n", place.Use, place.Text)
	}
	return text.String()
}
