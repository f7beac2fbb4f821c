package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
)

// Foreign is an object of the chart that exists and belongs to others.
type Foreign struct {
	// Object is its title, "CustomResourceDefinition x.example.com".
	Object string
	// Owner is the helm release that it belongs to; zero where none says so.
	Owner cluster.Owner
	// Lives says that the owner exists, or that this could not be found out; Unseen is why not.
	Lives  bool
	Unseen error
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
	case f.Unseen != nil:
		return text + " belongs to helm release " + f.Owner.String() + ", and whether that exists cannot be seen: " + f.Unseen.Error()
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
func (i *installation) ownership(ctx context.Context, found []cluster.Found) error {
	owner := i.owner()
	refused := &ForeignError{}
	lives := map[cluster.Owner]Foreign{}
	for _, each := range found {
		theirs := cluster.OwnerOf(each.Live)
		if theirs == owner {
			i.warnOfUnseen(each)
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
		if i.Adopt && !lives[theirs].Lives {
			i.foreign = append(i.foreign, each)
			continue
		}
		foreign := lives[theirs]
		foreign.Object, foreign.Replaced = cluster.Title(each.Live), i.replaces(each)
		refused.Objects = append(refused.Objects, foreign)
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
	kinds := traits.DatabasesIn(i.Subject.Product, i.Subject.HelmRelease, i.kinds)
	return found.Hook && !cluster.Lasts(found.GroupVersionKind().GroupKind(), kinds)
}

// lives tells whether a release exists. Where that cannot be found out, it does.
func (i *installation) lives(ctx context.Context, owner cluster.Owner) Foreign {
	if owner == (cluster.Owner{}) {
		return Foreign{}
	}
	releases, err := helm.Open(ctx, i.Cluster, owner.Namespace, nil)
	if err != nil {
		return Foreign{Owner: owner, Lives: true, Unseen: err}
	}
	last, err := releases.Last(owner.Release)
	var elsewhere *helm.ElsewhereError
	switch {
	case errors.As(err, &elsewhere):
		return Foreign{Owner: owner, Lives: true}
	case err == nil && last == nil:
		err = releases.Unseen()
	}
	return Foreign{Owner: owner, Lives: err != nil || !last.Gone(), Unseen: err}
}

// warnOfUnseen tells of an object that is of this release, of which there is no record: helm may keep it
// where nobody could look. CRDs are left behind where a release goes, and say nothing.
func (i *installation) warnOfUnseen(found cluster.Found) {
	if i.recorded.last != nil || i.recorded.unseen == nil || found.IsCRD() || i.warnedOfUnseen {
		return
	}
	i.warnedOfUnseen = true
	i.Hooks.warn(fmt.Sprintf("%s is marked as of helm release %s, which is not recorded in Secrets; whether it is in ConfigMaps cannot be seen: %v",
		cluster.Title(found.Live), i.owner(), i.recorded.unseen))
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
