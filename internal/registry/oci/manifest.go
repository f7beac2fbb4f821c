package oci

import (
	"bytes"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Manifest is a manifest exactly as a registry gave it: its bytes are pushed as they
// are and never serialised again, for otherwise its digest would change.
type Manifest struct {
	Descriptor v1.Descriptor
	Body       []byte
}

// New is a manifest of our own making; its descriptor follows from its bytes.
func New(mediaType types.MediaType, body []byte) (Manifest, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(body))
	return Manifest{Descriptor: v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, Body: body}, err
}

// artifactManifest was a type of manifest in release candidates of OCI 1.1.
const artifactManifest types.MediaType = "application/vnd.oci.artifact.manifest.v1+json"

// Types lists the media types that registries keep as manifests, images and indexes first.
func Types() []types.MediaType {
	return []types.MediaType{
		types.OCIManifestSchema1, types.OCIImageIndex,
		types.DockerManifestSchema2, types.DockerManifestList,
		artifactManifest,
	}
}

// IsManifest tells whether a registry keeps content of this type as a manifest.
func IsManifest(t types.MediaType) bool { return slices.Contains(Types(), t) }

// IsForeign tells blobs that stay where their vendor keeps them, for it does not let anyone
// else distribute them. One that says nowhere where that is can be had from its registry only, and
// travels like others.
func IsForeign(blob v1.Descriptor) bool {
	return !blob.MediaType.IsDistributable() && len(blob.URLs) > 0
}
