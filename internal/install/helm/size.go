package helm

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// largestRecord is what a Secret holds, in bytes.
const largestRecord = 1 << 20

// SizeError says that helm's record of a release is more than the cluster can store.
type SizeError struct{ Size int }

// Error names both sizes.
func (e *SizeError) Error() string {
	return fmt.Sprintf("helm's record of this release comes to %d bytes, and the cluster stores at most %d", e.Size, largestRecord)
}

// CheckSize is a *SizeError where helm could not record a release of the chart with these
// values, rendered so. It is an estimate, a few bytes off.
func CheckSize(packed *chart.Chart, values map[string]any, rendering *chart.Rendering) error {
	loaded, err := packed.Helm()
	if err != nil {
		return err
	}
	release := &helmrelease.Release{Chart: loaded, Config: values, Info: &helmrelease.Info{}}
	manifest := &chart.Rendering{}
	for _, object := range rendering.Objects {
		switch {
		case object.Hook:
			release.Hooks = append(release.Hooks, &helmrelease.Hook{Manifest: object.Text})
		case !object.FromCRDs:
			manifest.Objects = append(manifest.Objects, object)
		}
	}
	release.Manifest = manifest.Manifest()
	return checkSize(release)
}

// checkSize packs a record as helm does.
func checkSize(release *helmrelease.Release) error {
	text, err := json.Marshal(release)
	if err != nil {
		return err
	}
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := writer.Write(text); err != nil {
		return err
	}
	if err := writer.Close(); err != nil {
		return err
	}
	if size := base64.StdEncoding.EncodedLen(packed.Len()); size > largestRecord {
		return &SizeError{Size: size}
	}
	return nil
}
