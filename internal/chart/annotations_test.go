package chart

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnnotatedImages(t *testing.T) {
	chart := sample(t, "", map[string]string{"Chart.yaml": chartYAML + `annotations:
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
		chart := sample(t, "", map[string]string{"Chart.yaml": chartYAML + annotations})
		if got := chart.AnnotatedImages(); len(got) != 0 {
			t.Errorf("AnnotatedImages(%q) = %v, want none", annotations, got)
		}
	}
}
