package lock

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// gatherer turns planned artifacts into content. Use newGatherer.
type gatherer struct {
	content    *Content
	catalogue  *versions.Catalogue
	manifests  map[v1.Hash]bool
	references map[string]bool
}

// newGatherer returns what adds to content. The catalogue tells which folder a target lies in.
func newGatherer(content *Content, catalogue *versions.Catalogue) *gatherer {
	return &gatherer{content: content, catalogue: catalogue, manifests: map[v1.Hash]bool{}, references: map[string]bool{}}
}

func (g *gatherer) add(a *plan.Artifact) error {
	digest, err := v1.NewHash(a.Digest)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Source, err)
	}
	locked := Artifact{
		Artifact: a.Artifact, Base: g.base(a.Artifact), Bytes: a.Size,
		Digest: digest, MediaType: types.MediaType(a.MediaType),
	}
	if locked.Checked = NewChecked(a.Checked); locked.Checked != nil {
		locked.Checked.At = "" // the same content has the same lock, whenever it is read
	}
	for _, m := range a.Manifests {
		if !g.manifests[m.Descriptor.Digest] {
			g.manifests[m.Descriptor.Digest] = true
			g.content.Manifests = append(g.content.Manifests, m.Manifest)
		}
		if m.Descriptor.Digest == digest {
			locked.Size = int64(len(m.Body))
			if err := g.images(a, m.Manifest, &locked); err != nil {
				return err
			}
		}
		if m.Head {
			g.attach(&locked, m)
		}
	}
	g.content.Artifacts = append(g.content.Artifacts, locked)
	return nil
}

// images notes which images of an index there are, and which stay behind.
func (g *gatherer) images(a *plan.Artifact, top oci.Manifest, locked *Artifact) error {
	if !top.Descriptor.MediaType.IsIndex() {
		return nil
	}
	links, err := oci.Parse(top)
	if err != nil {
		return err
	}
	if a.Sparse {
		links.Manifests = slices.DeleteFunc(links.Manifests, func(child v1.Descriptor) bool {
			left := !slices.ContainsFunc(a.Manifests, func(m plan.Manifest) bool { return m.Descriptor.Digest == child.Digest })
			if left && !slices.Contains(locked.Left, child.Digest) {
				locked.Left = append(locked.Left, child.Digest)
			}
			return left
		})
	}
	locked.addPlatforms(links.Platforms()...)
	return nil
}

// addPlatforms adds those that are platforms; an index may say anything.
func (a *Artifact) addPlatforms(names ...string) {
	for _, name := range names {
		if platform.MatchString(name) && !slices.Contains(a.Platforms, name) && len(a.Platforms) < MaxPlatforms {
			a.Platforms = append(a.Platforms, name)
		}
	}
	slices.Sort(a.Platforms)
}

// attach adds an attachment, which several artifacts may share.
func (g *gatherer) attach(a *Artifact, m plan.Manifest) {
	source, target := a.Source, a.Target
	source.Tag, source.Digest = m.Reference, ""
	if digest, err := v1.NewHash(m.Reference); err == nil {
		source.Tag, source.Digest = "", digest.String()
	}
	target.Tag, target.Digest = source.Tag, source.Digest
	if !slices.Contains(a.Attachments, m.Descriptor.Digest) {
		a.Attachments = append(a.Attachments, m.Descriptor.Digest)
	}
	if key := target.String() + " " + source.String(); !g.references[key] {
		g.references[key] = true
		g.content.Attachments = append(g.content.Attachments, Attachment{
			Source: source, Target: target, Base: a.Base,
			Digest: m.Descriptor.Digest, MediaType: m.Descriptor.MediaType, Size: int64(len(m.Body)),
		})
	}
}

// base is the folder of the target that a user may replace.
func (g *gatherer) base(a versions.Artifact) string {
	product, err := g.catalogue.Product(a.Product)
	if err != nil || !strings.HasPrefix(a.Target.Repository, product.Target+"/") {
		return ""
	}
	return product.Target
}
