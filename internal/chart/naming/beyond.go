package naming

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// workloads are the kinds that run their images as soon as they exist.
var workloads = []string{"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"}

// Runs tells whether a workload runs the image, as opposed to naming it in an argument.
func (i UsedImage) Runs() bool {
	return slices.ContainsFunc(i.Uses, func(use Use) bool {
		return slices.Contains(workloads, use.Kind) && strings.HasSuffix(use.Path, ".image")
	})
}

// Beyond are the images that a chart runs, or can run, and that a selection lacks: those of the
// rendering, and those that the chart lists by itself. What the product has and somebody chose
// to leave behind, a version that is not wanted, is not among them unless a workload runs it.
// Images are compared by their vendor's names, whatever registry stands in for it.
func Beyond(c *chart.Chart, rendering *chart.Rendering, origin Origin, selected, known []ref.Reference) []ref.Reference {
	var beyond []ref.Reference
	add := func(image ref.Reference, runs bool) {
		if isAny(selected, image) || isAny(known, image) && !runs || slices.Contains(beyond, image) {
			return
		}
		beyond = append(beyond, image)
	}
	for _, image := range ImagesOf(rendering, origin) {
		add(image.Ref, image.Runs())
	}
	for _, image := range c.AnnotatedImages() {
		add(image, false)
	}
	slices.SortFunc(beyond, func(a, b ref.Reference) int { return strings.Compare(a.String(), b.String()) })
	return beyond
}

func isAny(images []ref.Reference, named ref.Reference) bool {
	return slices.ContainsFunc(images, func(own ref.Reference) bool { return isSame(own, named) })
}
