package lock

import (
	"context"
	"io"
	"slices"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// Recording is how Record finds out what it is not told.
type Recording struct {
	// Catalogue tells which folder a target lies in; nil is the built-in one.
	Catalogue *versions.Catalogue
	// Platforms are those whose images were wanted of indexes; none is all.
	Platforms []v1.Platform
	// Path is the folder of the registry that takes the place of the products' own; empty where
	// these are kept.
	Path string
}

// Record is the lock of artifacts that a copy is done with, and that are at the target whole.
// What the copy has put there is known from its plan; for the rest, and for what images are
// for, the target is asked. It returns warnings too.
func Record(ctx context.Context, private Private, done []*plan.Artifact, how Recording) (*Lock, []string, error) {
	if how.Catalogue == nil {
		how.Catalogue = catalogue.Builtin()
	}
	var content Content
	var ask []versions.Artifact
	g := newGatherer(&content, how.Catalogue)
	for _, a := range done {
		if !isWhole(a) {
			ask = append(ask, a.Artifact)
			continue
		}
		if err := g.add(a); err != nil {
			return nil, nil, err
		}
	}
	known, err := content.Lock(nil)
	if err != nil {
		return nil, nil, err
	}
	known.rest(how.Path)
	if err := findPlatforms(ctx, private, known, content.Manifests); err != nil || len(ask) == 0 {
		return known, nil, err
	}
	asked, _, warnings, err := Receipt(ctx, private, ask, how)
	if err != nil {
		return nil, nil, err
	}
	return Merge(asked, known), warnings, nil
}

// isWhole tells whether a plan has read all that belongs to an artifact.
func isWhole(a *plan.Artifact) bool {
	return !a.AttachedBefore && slices.ContainsFunc(a.Manifests, func(m plan.Manifest) bool { return m.Descriptor.Digest.String() == a.Digest })
}

// configsAtOnce is how many configs are read at once; a client may bound them further.
const configsAtOnce = 8

// findPlatforms reads from their configs what images are for that stand alone. One that cannot
// be read leaves that open.
func findPlatforms(ctx context.Context, private Private, l *Lock, manifests []oci.Manifest) error {
	places := make(map[v1.Hash]int, len(manifests))
	for i, m := range manifests {
		places[m.Descriptor.Digest] = i
	}
	var mu sync.Mutex
	found := map[v1.Hash]string{} // by digest: several tags may lead to one image
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(configsAtOnce)
	asked := map[v1.Hash]bool{}
	for _, a := range l.Artifacts {
		place, ok := places[a.Digest]
		if !ok || asked[a.Digest] || !a.MediaType.IsImage() {
			continue
		}
		asked[a.Digest] = true
		group.Go(func() error {
			name := platformOf(running, private, a.Target.Repository, manifests[place])
			mu.Lock()
			defer mu.Unlock()
			found[a.Digest] = name
			return nil
		})
	}
	_ = group.Wait() // what fails is not known
	for i := range l.Artifacts {
		l.Artifacts[i].addPlatforms(found[l.Artifacts[i].Digest])
	}
	return context.Cause(ctx)
}

// mostConfigBytes is more than any image's config has.
const mostConfigBytes = 4 << 20

// platformOf is what an image is for, by its config; empty where that does not say.
func platformOf(ctx context.Context, private Private, repository string, image oci.Manifest) string {
	links, err := oci.Parse(image)
	if err != nil || links.Config == nil || !links.Config.MediaType.IsConfig() || links.Config.Size > mostConfigBytes {
		return ""
	}
	content, err := private.Blob(ctx, repository, *links.Config, 0, links.Config.Size)
	if err != nil {
		return ""
	}
	defer func() { _ = content.Close() }()
	body, err := io.ReadAll(io.LimitReader(content, mostConfigBytes))
	var is v1.Platform
	if err != nil || jsonlimit.Unmarshal(body, &is) != nil || is.OS == "" || is.Architecture == "" {
		return ""
	}
	return is.String()
}
