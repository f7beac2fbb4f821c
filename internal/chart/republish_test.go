package chart

import (
	"archive/tar"
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	helmchart "helm.sh/helm/v3/pkg/chart"
)

func TestRepublished(t *testing.T) {
	archive, err := packFiles("op", []*helmchart.File{
		{Name: "Chart.yaml", Data: []byte("# ours\napiVersion: v2\nname: op\nversion: 1.0.0 # the first\n")},
		{Name: "values.yaml", Data: []byte("# where from\nimage: &i\n  # which\n  registry: quay.io\n  tag: \"1\" # text\nagent: *i\nother: *i\nlist: [a, b]\n")},
		{Name: "charts/sub/values.yaml", Data: []byte("image: x\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Republished("1.0.0+mine", map[string]any{
		"image": map[string]any{"registry": "registry.example.com/mirror"},
		"agent": map[string]any{"registry": "registry.example.com/other"},
		"list":  []any{"c"},
		"sub":   map[string]any{"image": "registry.example.com/sub"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Version() != "1.0.0+mine" || made.Name() != "op" {
		t.Errorf("Republished = %s %s, want op 1.0.0+mine", made.Name(), made.Version())
	}
	want := map[string]string{
		"op/Chart.yaml":             "# ours\napiVersion: v2\nname: op\nversion: 1.0.0+mine # the first\n",
		"op/charts/sub/values.yaml": "image: x\n",
		"op/values.yaml": `# where from
image: &i
  # which
  registry: registry.example.com/mirror
  tag: "1" # text
agent:
  registry: registry.example.com/other
  tag: "1"
other:
  registry: quay.io
  tag: "1"
list:
  - c
sub:
  image: registry.example.com/sub
`,
	}
	got := map[string]string{}
	if err := eachFile(made.Archive(), func(header *tar.Header, content []byte) error {
		got[header.Name] = string(content)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Republished (-want +got):\n%s", diff)
	}
	again, err := c.Republished("1.0.0+mine", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	twice, err := c.Republished("1.0.0+mine", map[string]any{})
	if err != nil || !bytes.Equal(again.Archive(), twice.Archive()) {
		t.Errorf("Republished twice gives two archives, %v", err)
	}
}

func TestRepublishedWithoutValues(t *testing.T) {
	archive, err := packFiles("op", []*helmchart.File{{Name: "Chart.yaml", Data: []byte("apiVersion: v2\nname: op\nversion: 1.0.0\n")}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(archive)
	if err != nil {
		t.Fatal(err)
	}
	made, err := c.Republished("2.0.0", map[string]any{"image": "x"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := made.Defaults(t.Context(), Confinement{}); err != nil || got["image"] != "x" {
		t.Errorf("Defaults = %v, %v, want the image", got, err)
	}
}
