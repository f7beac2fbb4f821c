package chart

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
)

// What lies in a list is seen like everything else: a CRD there is a CRD.
func TestListsAreFlattened(t *testing.T) {
	stream := `
apiVersion: v1
kind: List
items:
- apiVersion: apiextensions.k8s.io/v1
  kind: CustomResourceDefinition
  metadata: {name: dbs.lab.example.com}
- apiVersion: v1
  kind: ConfigMapList
  items:
  - {metadata: {name: inner}, data: {image: "quay.io/a/b:1"}}
---
apiVersion: example.com/v1
kind: Playlist
metadata: {name: none}
items: [{song: a}]
`
	rendering, err := ParseManifest(stream)
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for _, object := range rendering.Objects {
		titles = append(titles, object.Title())
	}
	want := []string{"CustomResourceDefinition dbs.lab.example.com", "ConfigMap inner", "Playlist none"}
	if diff := cmp.Diff(want, titles); diff != "" {
		t.Errorf("ParseManifest() (-want +got):\n%s", diff)
	}
	again, err := ParseManifest(rendering.Manifest())
	if err != nil || len(again.Objects) != len(want) || !again.Objects[0].IsCRD() {
		t.Errorf("ParseManifest(Manifest()) = %d objects, %v, want the same %d", len(again.Objects), err, len(want))
	}
	if _, err := ParseManifest("{"); err == nil {
		t.Error("ParseManifest({) succeeded")
	}
}

func TestKubeVersion(t *testing.T) {
	old := sample(t, "", map[string]string{"Chart.yaml": charttest.YAML + "kubeVersion: <1.30.0\n"})
	_, err := old.Render(t.Context(), nil, RenderOptions{Release: "r", Namespace: "ns", KubeVersion: "v1.36.3"})
	var refused *KubeVersionError
	if !errors.As(err, &refused) || refused.Wants != "<1.30.0" || !strings.Contains(err.Error(), "v1.36.3") {
		t.Errorf("Render() = %v, want that the chart takes no v1.36.3", err)
	}
	if _, err := old.Render(t.Context(), nil, RenderOptions{Release: "r", Namespace: "ns", KubeVersion: "v1.29.0"}); err != nil {
		t.Errorf("Render(v1.29.0) = %v", err)
	}
}
