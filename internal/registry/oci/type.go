package oci

import (
	"encoding/json"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// TypeOf is the media type that a manifest's bytes say it has, for an OCI manifest need not
// name its type: by its fields it is an image or an index. It is empty for what is neither, or
// both.
func TypeOf(body []byte) types.MediaType {
	var said struct {
		SchemaVersion int             `json:"schemaVersion"`
		MediaType     types.MediaType `json:"mediaType"`
		Config        json.RawMessage `json:"config"`
		Layers        json.RawMessage `json:"layers"`
		Manifests     json.RawMessage `json:"manifests"`
	}
	if jsonlimit.Unmarshal(body, &said) != nil || said.SchemaVersion != 2 {
		return ""
	}
	image, index := said.Config != nil && said.Layers != nil, said.Manifests != nil
	switch {
	case said.MediaType != "":
		return said.MediaType
	case image && !index:
		return types.OCIManifestSchema1
	case index && !image:
		return types.OCIImageIndex
	}
	return ""
}
