package plan

import (
	"context"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// PlatformError says that there is no image for a platform.
type PlatformError struct {
	// Want is what was asked for, "linux/arm64".
	Want string
	// Have are the platforms that there are; it may be empty.
	Have []string
}

// Error is "there is no image for linux/s390x; there are linux/amd64, linux/arm64".
func (e *PlatformError) Error() string {
	text := "there is no image for " + e.Want
	if len(e.Have) > 0 {
		text += "; there is " + strings.Join(e.Have, ", ")
	}
	return text
}

// narrow finds the one image for a platform: in an index, or the image itself. What is no image
// at all, a chart for example, is for every platform.
func (o Origin) narrow(ctx context.Context, top oci.Manifest, platform v1.Platform) (oci.Manifest, error) {
	links, err := oci.Parse(top)
	if err != nil {
		return oci.Manifest{}, err
	}
	if !top.Descriptor.MediaType.IsIndex() {
		return top, o.fits(ctx, links, platform)
	}
	missing := &PlatformError{Want: platform.String()}
	for _, child := range links.Manifests {
		if child.Platform == nil {
			continue
		}
		if child.Platform.Satisfies(platform) {
			return o.manifest(ctx, child.Digest.String())
		}
		if child.Platform.OS != "unknown" { // attestations of builds stand beside the images
			missing.Have = append(missing.Have, child.Platform.String())
		}
	}
	return oci.Manifest{}, missing
}

// mostConfigBytes is more than any image's config has.
const mostConfigBytes = 4 << 20

// fits reads which platform an image is for from its config. One that does not say fits.
func (o Origin) fits(ctx context.Context, links *oci.Links, platform v1.Platform) error {
	if links.Config == nil || !links.Config.MediaType.IsConfig() || links.Config.Size > mostConfigBytes {
		return nil
	}
	content, err := o.Source.Blob(ctx, o.Repository, *links.Config, 0, links.Config.Size)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	body, err := io.ReadAll(io.LimitReader(content, mostConfigBytes))
	if err != nil {
		return fmt.Errorf("reading the config %s: %w", links.Config.Digest, err)
	}
	var has v1.Platform
	if jsonlimit.Unmarshal(body, &has) != nil || has.OS == "" || has.Architecture == "" || has.Satisfies(platform) {
		return nil
	}
	return &PlatformError{Want: platform.String(), Have: []string{has.String()}}
}
