package lock

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// MaxManifest is the most that a manifest may hold, in bytes; registries set the same.
const MaxManifest = 4 << 20

// Links are what a manifest names, whatever its media type.
type Links struct {
	MediaType    types.MediaType   `json:"mediaType"`
	ArtifactType string            `json:"artifactType"`
	Config       *v1.Descriptor    `json:"config"`
	Layers       []v1.Descriptor   `json:"layers"`
	Blobs        []v1.Descriptor   `json:"blobs"`
	Manifests    []v1.Descriptor   `json:"manifests"`
	Subject      *v1.Descriptor    `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

// ParseLinks reads a manifest or an index. It refuses what a registry would.
func ParseLinks(body []byte) (*Links, error) {
	l := new(Links)
	if err := json.Unmarshal(body, l); err != nil {
		return nil, fmt.Errorf("not a manifest: %w", err)
	}
	for _, d := range append(l.Needs(), l.Manifests...) {
		if d.Size < 0 || d.Digest.Hex == "" {
			return nil, fmt.Errorf("not a manifest: a descriptor of %d bytes with digest %q", d.Size, d.Digest)
		}
	}
	return l, nil
}

// Needs are the config, the layers and other blobs.
func (l *Links) Needs() []v1.Descriptor {
	var all []v1.Descriptor
	if l.Config != nil {
		all = append(all, *l.Config)
	}
	return append(append(all, l.Layers...), l.Blobs...)
}

// Referrer is the descriptor under which the referrers API lists the manifest d.
func (l *Links) Referrer(d v1.Descriptor) v1.Descriptor {
	kind := l.ArtifactType
	if kind == "" && l.Config != nil {
		kind = string(l.Config.MediaType)
	}
	return v1.Descriptor{
		MediaType: d.MediaType, Digest: d.Digest, Size: d.Size,
		ArtifactType: kind, Annotations: l.Annotations,
	}
}

// IsManifest tells whether a registry keeps content of this type as a manifest.
func IsManifest(t types.MediaType) bool {
	switch t {
	case types.OCIManifestSchema1, types.OCIImageIndex,
		types.DockerManifestSchema2, types.DockerManifestList,
		"application/vnd.oci.artifact.manifest.v1+json":
		return true
	}
	return false
}

// IsForeign tells whether a blob is one that stays where its vendor keeps it.
func IsForeign(d v1.Descriptor) bool {
	return !d.MediaType.IsDistributable()
}
