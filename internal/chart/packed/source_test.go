package packed_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/packed"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// newChart makes a chart of its files.
func newChart(t *testing.T, version string) *chart.Chart {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Chart.yaml":          "apiVersion: v2\nname: op\nversion: " + version + "\n",
		"values.yaml":         "image: quay.io/acme/op:1\n",
		"templates/pod.yaml":  "kind: Pod\napiVersion: v1\nmetadata: {name: op}\nspec: {containers: [{name: op, image: '{{ .Values.image }}'}]}\n",
		".helmignore":         "*.secret\n",
		"notes.secret":        "nothing for others",
		"templates/NOTES.txt": "installed",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c, err := chart.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(c.Archive(), []byte("secret")) {
		t.Error("the archive names what .helmignore leaves out")
	}
	return c
}

// What was packed twice has one digest, so that a second copy has nothing to move.
func TestAddIsDeterministic(t *testing.T) {
	first, err := packed.New(nil).Add("charts/op", newChart(t, "1.2.3+b1"), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := packed.New(nil).Add("elsewhere/op", newChart(t, "1.2.3+b1"), nil)
	if err != nil || first.Digest != second.Digest {
		t.Errorf("Add of the same chart = %v, %v, want %v", second.Digest, err, first.Digest)
	}
	other, err := packed.New(nil).Add("charts/op", newChart(t, "1.2.3+b1"), map[string]string{chart.AnnotationBaseDigest: "sha256:1"})
	if err != nil || first.Digest == other.Digest {
		t.Errorf("Add with another annotation = %v, %v, want another digest", other.Digest, err)
	}
}

// A chart that was in no registry is copied like any artifact, and fetched from where it went
// with the same bytes.
func TestCopy(t *testing.T) {
	c := newChart(t, "1.2.3+b1")
	charts := packed.New(nil)
	want, err := charts.Add("charts/op", c, nil)
	if err != nil {
		t.Fatal(err)
	}
	private := registrytest.InProcess(t, registrytest.Options{})
	target, err := remote.New(private.Host, remote.Options{Side: registry.SideTarget, Push: true})
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	ends := registry.Endpoints{Source: func(string) (registry.Source, error) { return charts, nil }, Target: target}
	artifacts := []versions.Artifact{{
		Role:   versions.RoleChart,
		Source: ref.Reference{Host: "charts.example.com", Repository: "charts/op", Tag: "1.2.3_b1"},
		Target: ref.Reference{Host: private.Host, Repository: "team/op", Tag: "1.2.3_b1"},
	}}
	for round, state := range []plan.State{plan.StateNew, plan.StatePresent} {
		planned, err := plan.New(t.Context(), ends, artifacts, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := planned.Artifacts[0]; got.State != state || got.Digest != want.Digest.String() {
			t.Errorf("plan %d = %s %s %v, want %s %s", round, got.State, got.Digest, got.Err, state, want.Digest)
		}
		if _, err := transfer.Copy(t.Context(), ends, planned, transfer.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	back, err := chart.Fetch(t.Context(), target, "team/op", "1.2.3_b1")
	if err != nil || !bytes.Equal(back.Archive(), c.Archive()) {
		t.Errorf("the chart came back otherwise than it went: %v", err)
	}
}

func TestSource(t *testing.T) {
	charts := packed.New(nil)
	held, err := charts.Add("charts/op", newChart(t, "1.0.0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if got, err := charts.Resolve(ctx, "charts/op", held.Digest.String()); err != nil || got.Digest != held.Digest {
		t.Errorf("Resolve by digest = %v, %v, want %v", got, err, held)
	}
	for _, asked := range [][2]string{{"charts/op", "2.0.0"}, {"charts/other", "1.0.0"}, {"charts/other", held.Digest.String()}} {
		if got, err := charts.Resolve(ctx, asked[0], asked[1]); !errors.Is(err, registry.ErrNotFound) {
			t.Errorf("Resolve(%v) = %v, %v, want %v", asked, got, err, registry.ErrNotFound)
		}
	}
	manifest, err := charts.Manifest(ctx, "charts/op", "1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := v1.ParseManifest(bytes.NewReader(manifest.Body))
	if err != nil {
		t.Fatal(err)
	}
	layer := parsed.Layers[0]
	content, err := charts.Blob(ctx, "charts/op", layer, 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	if part, err := io.ReadAll(content); err != nil || len(part) != 8 {
		t.Errorf("Blob from 2 to 10 = %d bytes, %v", len(part), err)
	}
	if _, err := charts.Blob(ctx, "charts/op", layer, 0, layer.Size+1); err == nil {
		t.Error("Blob beyond its end = nil, want an error")
	}
}
