package naming

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Beyond a selection is what the chart runs or lists and the catalogue does not have, and what
// it has and nobody chose although a workload runs it.
func TestBeyond(t *testing.T) {
	chart := sample(t, `
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
  - image: acme/op:1.0.0
    args: ["--exporter=quay.io/other/exporter:1", "--default=acme/postgres:16.9", "--newest=acme/postgres:17.5"]
  - image: acme/webhook:1.0.0
`, map[string]string{"Chart.yaml": charttest.YAML + "annotations: {images: '[{image: \"acme/op:1.0.0\"}, {image: \"docker.io/acme/shell:12\"}]'}\n"})
	selected := []ref.Reference{image(t, "docker.io/acme/op:1.0.0"), image(t, "acme/postgres:17.5")}
	known := append(selected, image(t, "acme/postgres:16.9"), image(t, "acme/webhook:1.0.0"))
	var got []string
	for _, image := range Beyond(chart, render(t, chart, nil), Origin{Images: known}, selected, known) {
		got = append(got, image.String())
	}
	want := []string{"docker.io/acme/shell:12", "docker.io/acme/webhook:1.0.0", "quay.io/other/exporter:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Beyond() (-want +got):\n%s", diff)
	}
}
