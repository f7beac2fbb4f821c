package chart

import (
	"slices"

	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// imageAnnotations are the annotations of a Chart.yaml in which authors list the images that
// their chart can run: Artifact Hub's, and the one that Bitnami writes.
var imageAnnotations = []string{"artifacthub.io/images", "images"}

// AnnotatedImages are the images that the chart's own Chart.yaml lists. Charts list what only
// runs once some value is set as well, which no rendering shows; most list nothing. What
// cannot be read is passed over, for it is documentation.
func (c *Chart) AnnotatedImages() []ref.Reference {
	var all []ref.Reference
	for _, key := range imageAnnotations {
		var listed []struct{ Image string }
		if err := yaml.Unmarshal([]byte(c.meta.Annotations[key]), &listed); err != nil {
			continue
		}
		for _, each := range listed {
			image, err := ref.ParseImage(each.Image)
			if image = image.Tagged(); err == nil && !slices.Contains(all, image) {
				all = append(all, image)
			}
		}
	}
	return all
}
