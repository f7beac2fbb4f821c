package checkup

import (
	"context"
	"maps"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/finding"
)

var nodes = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}

// nodes compares what the nodes are with what the images are for.
func (e *examination) nodes(ctx context.Context) finding.Finding {
	found, err := e.Cluster.List(ctx, nodes, "", metav1.ListOptions{})
	if err != nil {
		skipped := finding.Skipf("the nodes may not be listed: %v", err)
		return skipped
	}
	counts := map[string]int{}
	for i := range found {
		counts[platformOf(&found[i])]++
	}
	delete(counts, "")
	if len(counts) == 0 {
		return finding.Skipf("no node says what it is")
	}
	kinds := slices.Sorted(maps.Keys(counts))
	if len(e.Images) == 0 {
		return finding.Okf("nodes are %s; no image was found to compare them with", strings.Join(kinds, ", "))
	}
	var lacking []string
	unserved := map[string]int{} // how many images have nothing for a kind of nodes
	for _, image := range slices.Sorted(maps.Keys(e.Images)) {
		for _, kind := range kinds {
			if len(e.Images[image]) > 0 && !has(e.Images[image], kind) {
				unserved[kind]++
				lacking = append(lacking, image+" has nothing for "+kind)
			}
		}
	}
	if len(lacking) == 0 {
		return finding.Okf("nodes are %s, and so are the images that were found", strings.Join(kinds, ", "))
	}
	result := finding.Warnf(OtherPlatform, "nodes are %s, and %s: pods have to be kept to nodes that fit", strings.Join(kinds, ", "), strings.Join(lacking, "; "))
	if len(unserved) == len(kinds) { // nowhere can everything run
		result.Status = finding.Failed
		result.Says = "nodes are " + strings.Join(kinds, ", ") + ", and " + strings.Join(lacking, "; ")
	}
	return result
}

func platformOf(node *unstructured.Unstructured) string {
	os, _, _ := unstructured.NestedString(node.Object, "status", "nodeInfo", "operatingSystem")
	architecture, _, _ := unstructured.NestedString(node.Object, "status", "nodeInfo", "architecture")
	if os == "" || architecture == "" {
		return ""
	}
	return os + "/" + architecture
}

func has(platforms []v1.Platform, kind string) bool {
	return slices.ContainsFunc(platforms, func(p v1.Platform) bool { return p.OS+"/"+p.Architecture == kind })
}
