package bundle

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// readIndex reads index.json and the version of the layout.
func readIndex(a *archive) (*v1.IndexManifest, error) {
	for _, name := range []string{layoutName, indexName} {
		if a.files[name] == nil {
			return nil, fmt.Errorf("%s is missing", name)
		}
	}
	body, err := readSmall(a.files[layoutName], maxManifest)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layoutName, err)
	}
	var version struct {
		ImageLayoutVersion string `json:"imageLayoutVersion"`
	}
	if err := json.Unmarshal(body, &version); err != nil || !strings.HasPrefix(version.ImageLayoutVersion, "1.") {
		return nil, fmt.Errorf("%s: an image layout of version %q cannot be read", layoutName, version.ImageLayoutVersion)
	}
	if body, err = readSmall(a.files[indexName], maxLock); err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	index := new(v1.IndexManifest)
	if err := json.Unmarshal(body, index); err != nil {
		return nil, fmt.Errorf("%s: %w", indexName, err)
	}
	for _, d := range index.Manifests {
		if d.Digest.Hex == "" || d.Size < 0 {
			return nil, fmt.Errorf("%s: a descriptor of %d bytes with digest %q", indexName, d.Size, d.Digest)
		}
	}
	return index, nil
}

// sourceName is the reference that a descriptor of an index.json carries, if it is whole.
func sourceName(d v1.Descriptor) (ref.Reference, bool) {
	for _, key := range []string{containerdAnnotation, refNameAnnotation} {
		if !strings.Contains(d.Annotations[key], "/") {
			continue
		}
		r, err := ref.Parse(d.Annotations[key])
		if err == nil && r.Tag != "" && r.Digest == "" {
			return r, true
		}
	}
	return ref.Reference{}, false
}

// attachmentTag is how cosign and others name what belongs to an image; without a suffix
// it is the fallback of the referrers API.
var attachmentTag = regexp.MustCompile(`^sha256-[0-9a-f]{64}(\.[a-z]+)?$`)

// lockOf makes a lock of the index of another tool.
func (b *Bundle) lockOf(ctx context.Context, index *v1.IndexManifest, opts OpenOptions) (*Lock, error) {
	lock := &Lock{Schema: LockSchema}
	var unnamed []v1.Descriptor
	for _, d := range index.Manifests {
		source, ok := sourceName(d)
		if !ok {
			if source, ok = opts.named(d, len(index.Manifests)); !ok {
				unnamed = append(unnamed, d)
				continue
			}
		}
		if err := b.lockNamed(ctx, lock, source, d, opts); err != nil {
			return nil, err
		}
	}
	if len(lock.Artifacts) == 0 {
		return nil, errNameless(unnamed)
	}
	if err := b.lockReferrers(ctx, lock, unnamed); err != nil {
		return nil, err
	}
	if err := b.lockBlobs(lock); err != nil {
		return nil, err
	}
	lock.sort()
	return lock, lock.check()
}

// errNoName: the tool that wrote the layout kept no reference.
var errNoName = errors.New("the image layout does not say where its images come from")

func errNameless(unnamed []v1.Descriptor) error {
	if len(unnamed) == 0 {
		return errors.New("the image layout is empty")
	}
	return fmt.Errorf("%w (%d of them)", errNoName, len(unnamed))
}

// named is the name for what carries none, or only a tag.
func (o OpenOptions) named(d v1.Descriptor, all int) (ref.Reference, bool) {
	if o.Name.Host == "" {
		return ref.Reference{}, false
	}
	name := o.Name
	ref := d.Annotations[refNameAnnotation]
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

// lockNamed adds what a tag names to the lock.
func (b *Bundle) lockNamed(ctx context.Context, lock *Lock, source ref.Reference, d v1.Descriptor, opts OpenOptions) error {
	if err := b.readManifest(ctx, d, 0); err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	artifact, base := placed(opts.Catalogue, source)
	if attachmentTag.MatchString(source.Tag) {
		lock.Attachments = append(lock.Attachments, LockedAttachment{
			Source: source, Target: artifact.Target, Base: base,
			Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
		})
		return nil
	}
	if artifact.Role == "" {
		artifact.Role = versions.RoleExtra
		if l := b.manifests[d.Digest].links; l.Config != nil && l.Config.MediaType == helmConfig {
			artifact.Role = versions.RoleChart
		} else {
			artifact.Extra = path.Base(source.Repository)
		}
	}
	lock.Artifacts = append(lock.Artifacts, LockedArtifact{
		Artifact: artifact, Base: base,
		Digest: d.Digest, MediaType: d.MediaType, Size: d.Size,
	})
	return nil
}

// lockBlobs adds the blobs that the manifests name, and who needs them.
func (b *Bundle) lockBlobs(lock *Lock) error {
	g := newGraph(nil)
	g.parsed = func(digest v1.Hash) (*links, bool) {
		m, ok := b.manifests[digest]
		return m.links, ok
	}
	for _, a := range lock.Artifacts {
		if err := g.walk(a.Digest, a.Target.Repository); err != nil {
			return err
		}
	}
	for _, a := range lock.Attachments {
		if err := g.walk(a.Digest, a.Target.Repository); err != nil {
			return err
		}
	}
	lock.Blobs = g.locked(nil)
	return nil
}

// placed finds where the catalogue puts what comes from source, and what it is. What no
// product knows keeps the path that it had.
func placed(c *versions.Catalogue, source ref.Reference) (versions.Artifact, string) {
	near := versions.Artifact{Source: source, Target: ref.Reference{Repository: source.Repository, Tag: source.Tag}}
	base := ""
	for _, product := range c.Products() {
		for _, release := range product.Releases {
			all, err := versions.Select(c, versions.Selection{Product: product.Name, Releases: []string{release.Name}})
			if err != nil {
				continue
			}
			for _, a := range all {
				if a.Source.Name() != source.Name() {
					continue
				}
				if a.Source.Tag == source.Tag {
					return a, product.Target
				}
				near, base = a, product.Target
				near.Source, near.Target.Tag = source, source.Tag
				near.Release, near.Versions, near.Edition = source.Tag, nil, ""
			}
		}
		if found := product.TagVersions(path.Base(source.Repository), []string{source.Tag}); base == product.Target && len(found) > 0 {
			near.Release, near.Edition = found[0].Release, found[0].Edition
			near.Versions = []versions.Version{found[0].Version}
		}
	}
	return near, base
}
