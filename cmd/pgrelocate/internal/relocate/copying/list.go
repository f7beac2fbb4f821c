package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/formats"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// OtherPlatformError says that an image does not have what a list says of its platforms.
type OtherPlatformError struct {
	Image ref.Reference
	// Digest is what it should have.
	Digest string
}

// Error names both.
func (e *OtherPlatformError) Error() string {
	return fmt.Sprintf("%s has no image %s, as the list says: its tag has moved since, or the list is another's", e.Image, e.Digest)
}

// readList reads a list of images, where one is named.
func (p *Planning) readList(ctx context.Context) error {
	if p.asked.Images == "" {
		return nil
	}
	text, err := files.ReadSmall(ctx, p.asked.Images, formats.MaxList)
	if err == nil {
		p.listed, err = formats.ParseImages(text)
		if err != nil {
			err = fmt.Errorf("reading %s: %w", p.asked.Images, err)
		}
	}
	if err != nil && ctx.Err() == nil {
		return &exit.UsageError{Err: err}
	}
	return err
}

// chooseListed takes the images of the list, each below the private registry's folder.
func (p *Planning) chooseListed() (err error) {
	if p.Artifacts, err = formats.Artifacts(p.listed, p.Config.Registry); err != nil {
		return &exit.UsageError{Err: err}
	}
	return Pinned(p.Config, p.Artifacts)
}

// pinPlatforms pins the images of which a list knows the digests of their platforms, and not their
// own. Where the source has another image by that name nothing is copied; what it has not is for
// the plan to say.
func (p *Planning) pinPlatforms(ctx context.Context) error {
	var others []error
	for i, listed := range p.listed {
		if len(listed.Platforms) == 0 || listed.Image.Digest != "" {
			continue
		}
		found, err := p.imageOf(ctx, listed)
		var other *OtherPlatformError
		switch {
		case errors.As(err, &other):
			others = append(others, err)
		case errors.Is(err, registry.ErrNotFound), errors.Is(err, registry.ErrUnauthorized):
		case err != nil:
			return err
		default:
			p.Artifacts[i].Source.Digest = found
		}
	}
	if len(others) > 0 {
		return &exit.VerificationError{Err: errors.Join(others...)}
	}
	return nil
}

// imageOf is the digest of the image that has what a list says of its platforms.
func (p *Planning) imageOf(ctx context.Context, listed formats.Listed) (string, error) {
	source, err := p.Sides.Source(listed.Image.Host)
	if err != nil {
		return "", err
	}
	manifest, err := source.Manifest(ctx, listed.Image.Repository, listed.Image.Tag)
	if err != nil {
		return "", err
	}
	links, err := oci.Parse(manifest)
	if err != nil {
		return "", err
	}
	have := []string{manifest.Descriptor.Digest.String()}
	for _, child := range links.Manifests {
		have = append(have, child.Digest.String())
	}
	for _, digest := range listed.Platforms {
		if !slices.Contains(have, digest) {
			return "", &OtherPlatformError{Image: listed.Image, Digest: digest}
		}
	}
	return have[0], nil
}

// Pinned refuses to take one platform of images that manifests name by digest: the digest would
// be another.
func Pinned(cfg *config.Config, artifacts []versions.Artifact) error {
	at := slices.IndexFunc(artifacts, func(a versions.Artifact) bool { return a.Source.Digest != "" })
	changes := len(cfg.Platforms) == 1 && cfg.Index == plan.IndexAuto || len(cfg.Platforms) > 0 && cfg.Index == plan.IndexStrip
	if !changes || at < 0 {
		return nil
	}
	return exit.Usagef("%s is named by its digest, which it would not have any more with fewer platforms", artifacts[at].Source)
}
