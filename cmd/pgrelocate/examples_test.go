package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// The values in the examples for Argo CD and Flux are what `pgrelocate values` prints.
func TestExamplesHoldTheValues(t *testing.T) {
	streams, out, messages := terminal.Test("")
	if code := run(t.Context(), []string{"values", "--offline", "--registry", "registry.example.com", "--release", "v4.3.1"}, streams); code != 0 {
		t.Fatalf("pgrelocate values = exit code %d: %s", code, messages)
	}
	var want map[string]any
	if err := yaml.Unmarshal(out.Bytes(), &want); err != nil {
		t.Fatal(err)
	}
	for file, path := range map[string][]string{
		"argocd.yaml": {"spec", "source", "helm", "valuesObject"},
		"flux.yaml":   {"spec", "values"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "examples", file))
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		for document := range strings.SplitSeq(string(text), "\n---\n") {
			var object map[string]any
			if err := yaml.Unmarshal([]byte(document), &object); err != nil {
				t.Fatalf("examples/%s: %v", file, err)
			}
			if found, ok, _ := unstructured.NestedMap(object, path...); ok {
				got = found
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("examples/%s is not what `pgrelocate values` prints (-want +got):\n%s", file, diff)
		}
	}
}
