package bundle

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// attachmentTag is how cosign and others name what belongs to an image; without a suffix
// it is the fallback of the referrers API.
var attachmentTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// lockOf makes a lock of the index of another tool.
func (b *Bundle) lockOf(ctx context.Context, index *v1.IndexManifest, opts OpenOptions) (*lock.Lock, error) {
	found := new(lock.Content)
	places := newCatalogueIndex(opts.Catalogue)
	var unnamed []v1.Descriptor
	for _, d := range index.Manifests {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		source, ok := imagelayout.Reference(d)
		if !ok {
			if source, ok = opts.named(d, len(index.Manifests)); !ok {
				unnamed = append(unnamed, d)
				continue
			}
		}
		if err := b.lockNamed(ctx, found, source, d, places); err != nil {
			return nil, err
		}
	}
	if len(found.Artifacts) == 0 {
		return nil, errNameless(unnamed)
	}
	if err := b.lockReferrers(ctx, found, unnamed); err != nil {
		return nil, err
	}
	return lock.New(found.Artifacts, found.Attachments, b.links, nil)
}

// ErrNoName: the tool that wrote the layout kept no reference.
var ErrNoName = errors.New("the image layout does not say where its images come from")

func errNameless(unnamed []v1.Descriptor) error {
	if len(unnamed) == 0 {
		return errors.New("the image layout is empty")
	}
	return fmt.Errorf("%w (%d of them)", ErrNoName, len(unnamed))
}

// named is the name for what carries none, or only a tag.
func (o OpenOptions) named(d v1.Descriptor, all int) (ref.Reference, bool) {
	if o.Name.Host == "" {
		return ref.Reference{}, false
	}
	name := o.Name
	ref := d.Annotations[imagelayout.RefName]
	_, tag, _ := strings.Cut(ref, ":")
	switch {
	case name.Tag != "" && all == 1:
		return name, true
	case tag != "":
		name.Tag = tag
	default:
		name.Tag = ref
	}
	name.Digest = ""
	return name, name.Tag != ""
}

// lockNamed adds what a tag names to what was found.
func (b *Bundle) lockNamed(ctx context.Context, found *lock.Content, source ref.Reference, d v1.Descriptor, places *catalogueIndex) error {
	if err := b.readManifest(ctx, d); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	artifact, base := places.of(source)
	if attachmentTag.MatchString(source.Tag) {
		found.Attachments = append(found.Attachments, lock.Attachment{
			Source: source, Target: artifact.Target, Base: base,
			Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
		})
		return nil
	}
	if artifact.Role == "" {
		artifact.Role = versions.RoleExtra
		if l := b.manifests[d.Digest].links; l.Config != nil && l.Config.MediaType == archive.HelmConfig {
			artifact.Role = versions.RoleChart
		} else {
			artifact.Extra = path.Base(source.Repository)
		}
	}
	found.Artifacts = append(found.Artifacts, lock.Artifact{
		Artifact: artifact, Base: base,
		Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
	})
	return nil
}
