package archive

import (
	"encoding/json"
	"fmt"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
)

// The most that index.json, and any other small file, may hold, in bytes.
const (
	maxIndex = 16 << 20
	maxSmall = 4 << 20
)

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
	if err := json.Unmarshal(body, index); err != nil {
		return nil, fmt.Errorf("%s: %w", imagelayout.IndexFile, err)
	}
	for _, d := range index.Manifests {
		if d.Digest.Hex == "" || d.Size < 0 {
			return nil, fmt.Errorf("%s: a descriptor of %d bytes with digest %q", imagelayout.IndexFile, d.Size, d.Digest)
		}
	}
	return index, nil
}

// CheckVersion refuses an image layout of a version that cannot be read.
func CheckVersion(a *Archive) error {
	body, err := a.small(imagelayout.VersionFile, maxSmall)
	if err != nil {
		return err
	}
	var version struct {
		ImageLayoutVersion string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(body, &version); err != nil || !strings.HasPrefix(version.ImageLayoutVersion, "1.") {
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
