package oci

import (
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ofImage is the annotation by which builds name the image that an attestation in the same index
// belongs to.
const ofImage = "vnd.docker.reference.digest"

// Unwanted are those of an index's manifests that are images for other platforms, or belong to
// such an image. What says no platform is for all of them. None is unwanted where no platform
// is given.
func (l *Links) Unwanted(platforms []v1.Platform) map[v1.Hash]bool {
	unwanted := map[v1.Hash]bool{}
	if len(platforms) == 0 {
		return unwanted
	}
	for _, child := range l.Manifests {
		if isFor(child, nil) && !isFor(child, platforms) {
			unwanted[child.Digest] = true
		}
	}
	for _, child := range l.Manifests {
		if image, err := v1.NewHash(child.Annotations[ofImage]); err == nil && unwanted[image] {
			unwanted[child.Digest] = true
		}
	}
	return unwanted
}

// Platforms are those that an index has images for, each once, in its order.
func (l *Links) Platforms() []string {
	var all []string
	for _, child := range l.Manifests {
		if !isFor(child, nil) {
			continue
		}
		// Somebody else's text: a line of it is no line of ours.
		if name := ref.Quote(child.Platform.String()); !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// isFor tells whether a manifest is an image for one of the platforms; for any platform where
// none are given.
func isFor(child v1.Descriptor, platforms []v1.Platform) bool {
	if child.Platform == nil || child.Platform.OS == "unknown" { // attestations of builds stand beside the images
		return false
	}
	return len(platforms) == 0 || slices.ContainsFunc(platforms, child.Platform.Satisfies)
}
