package install

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// Foreign is an object of the chart that exists and belongs to others.
type Foreign struct {
	// Object is its title, "CustomResourceDefinition x.example.com".
	Object string
	// Owner is the helm release that it belongs to; zero where none says so.
	Owner cluster.Owner
	// Lives says that the owner exists, as far as could be found out.
	Lives bool
	// Replaced says that it would not be brought up to date but deleted and made anew, for the
	// chart runs it as a hook.
	Replaced bool
}

// ForeignError lists what the chart brings and others have already.
type ForeignError struct{ Objects []Foreign }

// Error lists them, one a line.
func (e *ForeignError) Error() string {
	lines := []string{fmt.Sprintf("%s that the chart brings, there already and not of this helm release", english.Plural(len(e.Objects), "object", ""))}
	for _, object := range e.Objects {
		lines = append(lines, object.String())
	}
	return strings.Join(lines, "\n  ")
}

// String says whose it is, and what taking it over would do to it.
func (f Foreign) String() string {
	text := f.Object
	switch {
	case f.Owner == cluster.Owner{}:
		text += " belongs to no helm release"
	case f.Lives:
		return text + " belongs to helm release " + f.Owner.String()
	default:
		text += " belonged to helm release " + f.Owner.String() + ", which is gone"
	}
	if f.Replaced {
		text += "; taken over, it is deleted and made anew, for the chart runs it as a hook"
	}
	return text
}

// Adoptable tells whether none of the objects belongs to a release that exists.
func (e *ForeignError) Adoptable() bool {
	for _, object := range e.Objects {
		if object.Lives {
			return false
		}
	}
	return true
}

// ownership looks at what the chart brings and is there already, and refuses what belongs to
// others. With Adopt, what belongs to nobody is taken over later.
func (i *installation) ownership(ctx context.Context) error {
	owner := i.owner()
	found, err := i.Cluster.Find(ctx, i.outcome.Prepared.Rendering.Objects, owner.Namespace)
	if err != nil {
		return err
	}
	refused := &ForeignError{}
	lives := map[cluster.Owner]bool{}
	for _, each := range found {
		theirs := cluster.OwnerOf(each.Live)
		if theirs == owner {
			continue
		}
		if theirs == (cluster.Owner{}) && i.recorded.has(each.Object, owner.Namespace) {
			if !each.FromCRDs && !each.Hook {
				i.unmarked = append(i.unmarked, each)
			}
			continue
		}
		if _, known := lives[theirs]; !known {
			lives[theirs] = i.lives(ctx, theirs)
		}
		if i.Adopt && !lives[theirs] {
			i.foreign = append(i.foreign, each)
			continue
		}
		refused.Objects = append(refused.Objects, Foreign{Object: cluster.Title(each.Live), Owner: theirs, Lives: lives[theirs], Replaced: i.replaces(each)})
	}
	if len(refused.Objects) > 0 {
		return refused
	}
	return nil
}

// takeOver says what taking over does to an object.
func (i *installation) takeOver(found cluster.Found) string {
	text := "take over " + cluster.Title(found.Live)
	if i.replaces(found) {
		text += ", delete it and make it anew, for the chart runs it as a hook"
	}
	return text
}

// replaces tells whether helm deletes an object before it makes it: it does so with hooks, whatever
// they are of, but for what lasts.
func (i *installation) replaces(found cluster.Found) bool {
	defined := i.recorded.defined(i.outcome.Prepared.Rendering.Objects)
	kinds := databases(i.Subject.Product, i.Subject.HelmRelease, defined)
	return found.Hook && !cluster.Lasts(found.GroupVersionKind().GroupKind(), kinds)
}

// lives tells whether a release exists. Where that cannot be found out, it does.
func (i *installation) lives(ctx context.Context, owner cluster.Owner) bool {
	if owner == (cluster.Owner{}) {
		return false
	}
	releases, err := helm.Open(ctx, i.Cluster, owner.Namespace, nil)
	if err != nil {
		return true
	}
	last, err := releases.Last(owner.Release)
	return err != nil || !last.Gone()
}

// adopt takes over what is there, by giving it the marks of the release. What the release has
// made itself and lacks them, as the CRDs that helm installs of a crds/ folder do, gets them too.
func (i *installation) adopt(ctx context.Context) error {
	for _, found := range i.unmarked {
		if i.DryRun {
			break
		}
		i.writing = true
		if err := i.Cluster.Adopt(ctx, found, i.owner()); err != nil {
			return err
		}
		i.did("%s marked as this release's", cluster.Title(found.Live))
	}
	for _, found := range i.foreign {
		title := cluster.Title(found.Live)
		if i.DryRun {
			i.plan("%s", i.takeOver(found))
			continue
		}
		i.writing = true
		if err := i.Cluster.Adopt(ctx, found, i.owner()); err != nil {
			return err
		}
		i.outcome.Adopted = append(i.outcome.Adopted, title)
		i.did("%s taken over", title)
	}
	return nil
}
