package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
)

// digest is that of some image.
const digest = "sha256:20cd8e22a7d0c903e608c3b21f9b344f81f19730047372e7bc499f5f0425b638"

func TestAnnotatedImages(t *testing.T) {
	chart := sample(t, "", map[string]string{"Chart.yaml": charttest.YAML + `annotations:
  category: Database
  images: |
    - image: docker.io/bitnami/os-shell:12
      name: os-shell
    - name: postgresql
      image: docker.io/bitnami/postgresql:17.5.0
  artifacthub.io/images: |
    - name: postgresql
      image: bitnami/postgresql:17.5.0
      platforms: [linux/amd64]
    - name: exporter
      image: quay.io/prometheus/exporter@` + digest + `
    - name: broken
      image: "not an image"
`})
	var got []string
	for _, image := range chart.AnnotatedImages() {
		got = append(got, image.String())
	}
	want := []string{
		"docker.io/bitnami/postgresql:17.5.0", "quay.io/prometheus/exporter@" + digest, "docker.io/bitnami/os-shell:12",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AnnotatedImages() (-want +got):\n%s", diff)
	}
	for _, annotations := range []string{"", "annotations: {images: 'prose', artifacthub.io/images: '['}\n"} {
		chart := sample(t, "", map[string]string{"Chart.yaml": charttest.YAML + annotations})
		if got := chart.AnnotatedImages(); len(got) != 0 {
			t.Errorf("AnnotatedImages(%q) = %v, want none", annotations, got)
		}
	}
}
