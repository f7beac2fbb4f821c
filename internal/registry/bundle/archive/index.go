package archive

import (
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// The most that index.json, oci-layout and any other small file may hold, in bytes.
const (
	maxIndex   = 16 << 20
	maxSmall   = 4 << 20
	maxVersion = 4 << 10
)

// maxImages is how many images and attachments an archive may have.
const maxImages = 10_000

// ReadIndex reads index.json and the version of the layout, and refuses descriptors that
// cannot be.
func ReadIndex(a *Archive) (*v1.IndexManifest, error) {
	if err := CheckVersion(a); err != nil {
		return nil, err
	}
	body, err := a.small(imagelayout.IndexFile, maxIndex)
	if err != nil {
		return nil, err
	}
	index := new(v1.IndexManifest)
	err = jsonlimit.Object(body, jsonlimit.Fields{
		"mediaType": jsonlimit.Value(&index.MediaType),
		"manifests": jsonlimit.List(&index.Manifests, maxImages, checkDescriptor),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", imagelayout.IndexFile, err)
	}
	return index, nil
}

func checkDescriptor(d *v1.Descriptor) error {
	if d.Digest.Hex == "" || d.Size < 0 {
		return fmt.Errorf("a descriptor of %d bytes with digest %q", d.Size, d.Digest)
	}
	return nil
}

// CheckVersion refuses an image layout of a version that cannot be read.
func CheckVersion(a *Archive) error {
	body, err := a.small(imagelayout.VersionFile, maxVersion)
	if err != nil {
		return err
	}
	var version struct {
		ImageLayoutVersion string `json:"imageLayoutVersion"`
	}
	if err := jsonlimit.Unmarshal(body, &version); err != nil || !strings.HasPrefix(version.ImageLayoutVersion, "1.") {
		return fmt.Errorf("%s: an image layout of version %q cannot be read", imagelayout.VersionFile, version.ImageLayoutVersion)
	}
	return nil
}

// small reads a file that has to be there.
func (a *Archive) small(name string, limit int64) ([]byte, error) {
	if a.Files[name] == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	body, err := ReadSmall(a.Files[name], limit)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return body, nil
}
