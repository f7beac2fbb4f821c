package store

import (
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// links are what a manifest names, whatever its media type.
type links struct {
	ArtifactType string            `json:"artifactType"`
	Config       *v1.Descriptor    `json:"config"`
	Layers       []v1.Descriptor   `json:"layers"`
	Manifests    []v1.Descriptor   `json:"manifests"`
	Subject      *v1.Descriptor    `json:"subject"`
	Annotations  map[string]string `json:"annotations"`
}

func parseLinks(body []byte) (*links, error) {
	l := new(links)
	if err := json.Unmarshal(body, l); err != nil {
		return nil, fmt.Errorf("not a manifest: %w", err)
	}
	return l, nil
}

// blobs are the config and the layers.
func (l *links) blobs() []v1.Descriptor {
	if l.Config == nil {
		return l.Layers
	}
	return append([]v1.Descriptor{*l.Config}, l.Layers...)
}

// referrer is the descriptor under which the manifest d is listed for its subject.
func (l *links) referrer(d v1.Descriptor) v1.Descriptor {
	d.ArtifactType, d.Annotations = l.ArtifactType, l.Annotations
	if d.ArtifactType == "" && l.Config != nil {
		d.ArtifactType = string(l.Config.MediaType)
	}
	return d
}
