package verify

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// differs says in what a workload is not as the release made it: it has no pods at all, or runs other images. What
// was added to it, and a digest beside the tag, as policies put there, is no difference.
func differs(made, live *unstructured.Unstructured) error {
	if isStopped(live) && !isStopped(made) {
		return ErrStopped
	}
	expected, runs := containers(made), containers(live)
	for _, name := range slices.Sorted(maps.Keys(expected)) {
		if image, has := runs[name]; has && !isSameImage(expected[name], image) {
			return &OtherImageError{Runs: image, Expected: expected[name]}
		}
	}
	return nil
}

func isStopped(workload *unstructured.Unstructured) bool {
	replicas, set, err := unstructured.NestedInt64(workload.Object, "spec", "replicas")
	return err == nil && set && replicas == 0
}

// containers are the images of a workload's containers, by where they stand and their names.
func containers(workload *unstructured.Unstructured) map[string]string {
	images := map[string]string{}
	for _, field := range []string{"initContainers", "containers"} {
		list, _, _ := unstructured.NestedSlice(workload.Object, "spec", "template", "spec", field)
		for _, each := range list {
			container, _ := each.(map[string]any)
			name, _ := container["name"].(string)
			images[field+" "+name], _ = container["image"].(string)
		}
	}
	return images
}

func isSameImage(expected, runs string) bool {
	if expected == runs {
		return true
	}
	a, errA := ref.ParseImage(expected)
	b, errB := ref.ParseImage(runs)
	if errA != nil || errB != nil || a.Name() != b.Name() || a.Digest != "" && a.Digest != b.Digest {
		return false
	}
	return a.Tag == b.Tag || b.Tag == "" && b.Digest != ""
}
