package prune

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/attestation"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// repository is one in which something is to go.
type repository struct {
	Options
	name  string
	items []Item

	tags  map[string]v1.Hash
	links map[v1.Hash][]v1.Hash // the manifests below each that was looked at
	// absent are those that are not there.
	absent map[v1.Hash]bool
	// seen are the tags that the next removal reckons with already, and gone is what has been removed.
	seen map[string]bool
	gone map[string]v1.Hash
}

// family is an artifact that may go, with all that goes with it.
type family struct {
	item  Item
	below []v1.Hash // manifests below it
	// attached are by the manifest of the family that they belong to.
	attached map[v1.Hash][]Item
	kept     string // why it stays; empty where it goes
	sharer   string // what its content stays for, so that its tag alone goes; empty where all goes
	offered  string
	gone     bool // the artifact is not there any more: what is attached to it may be
}

// tagsOf are all tags of a repository with what they lead to; none where it is not there. The known ones
// have to be among those that the registry lists, if they are there: a list from which one is missing may lack
// others.
func tagsOf(ctx context.Context, target Target, name string, known []string) (map[string]v1.Hash, error) {
	names, err := target.Tags(ctx, name)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return nil, err
	}
	for _, tag := range known {
		if slices.Contains(names, tag) {
			continue
		}
		_, err := target.Resolve(ctx, name, tag)
		if err == nil {
			return nil, fmt.Errorf("%w: it lacks %s, which is there", ErrIncompleteList, tag)
		}
		if !errors.Is(err, registry.ErrNotFound) {
			return nil, err
		}
	}
	if len(names) > mostTags {
		return nil, fmt.Errorf("it has %d tags, more than the %d that are looked at", len(names), mostTags)
	}
	found := map[string]v1.Hash{}
	var mu sync.Mutex
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, tag := range names {
		group.Go(func() error {
			descriptor, err := target.Resolve(running, name, tag)
			if errors.Is(err, registry.ErrNotFound) {
				return nil
			}
			mu.Lock()
			defer mu.Unlock()
			found[tag] = descriptor.Digest
			return err
		})
	}
	return found, group.Wait()
}

// known are the tags that we know of, whether they are there or not.
func (r *repository) known() []string {
	var tags []string
	for _, item := range append(slices.Clone(r.items), r.Wanted...) {
		if item.Ref.Repository == r.name && item.Ref.Tag != "" && !slices.Contains(tags, item.Ref.Tag) {
			tags = append(tags, item.Ref.Tag)
		}
	}
	return tags
}

// plan decides what goes.
func (r *repository) plan(ctx context.Context) (removals []Removal, err error) {
	if r.tags, err = tagsOf(ctx, r.Target, r.name, r.known()); err != nil {
		return nil, err
	}
	var families []*family
	for _, item := range r.items {
		held, there := r.tags[item.Ref.Tag]
		switch {
		case there && held != item.Digest:
			removals = append(removals, Removal{Item: item, Outcome: Kept, Reason: fmt.Sprintf("the tag holds %s now, which is not what we put there", held)})
			continue
		}
		f, err := r.family(ctx, item)
		if err != nil {
			return nil, err
		}
		if f.gone = !there; item.Ref.Tag == "" { // it was put there by its digest
			f.gone = r.absent[item.Digest]
		}
		families = append(families, f)
	}
	staying, err := r.settle(ctx, families)
	if err != nil {
		return nil, err
	}
	done := map[v1.Hash]bool{}
	for _, f := range families {
		removals = append(removals, r.removals(f, staying, done)...)
	}
	return removals, nil
}

// family finds what belongs to an artifact.
func (r *repository) family(ctx context.Context, item Item) (*family, error) {
	f := &family{item: item, attached: map[v1.Hash][]Item{}}
	below, err := r.below(ctx, []v1.Hash{item.Digest})
	if err != nil {
		return nil, err
	}
	for digest := range below {
		if digest != item.Digest {
			f.below = append(f.below, digest)
		}
	}
	slices.SortFunc(f.below, func(a, b v1.Hash) int { return strings.Compare(a.String(), b.String()) })
	for _, digest := range append([]v1.Hash{item.Digest}, f.below...) {
		if user := r.usedBy(item.Ref, digest); user != "" {
			f.kept = user + " needs it"
		}
		if r.OfferedBy != nil && f.offered == "" {
			f.offered = r.OfferedBy(item.Ref, digest)
		}
		if f.attached[digest], err = r.attachedTo(ctx, digest); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (r *repository) usedBy(at ref.Reference, digest v1.Hash) string {
	if r.InUse == nil {
		return ""
	}
	return r.InUse(at, digest)
}

// attachedTo are those of our attachments that belong to a manifest: by a tag that is made of its
// digest, or as referrers. What a copy has attested of it is ours too.
func (r *repository) attachedTo(ctx context.Context, digest v1.Hash) ([]Item, error) {
	all, err := r.referringTo(ctx, digest)
	if err != nil {
		return nil, err
	}
	referring := map[v1.Hash]bool{}
	for _, item := range all {
		referring[item.Digest] = true
	}
	prefix := digest.Algorithm + "-" + digest.Hex
	tagged := func(i Item) bool {
		return i.Ref.Repository == r.name && i.Ref.Tag != "" && (i.Ref.Tag == prefix || strings.HasPrefix(i.Ref.Tag, prefix+"."))
	}
	for _, item := range r.Attachments {
		if tagged(item) && r.tags[item.Ref.Tag] == item.Digest {
			all = append(all, item)
		}
	}
	// Where the registry does not list referrers, we do so under a tag of our own.
	if list, ok := r.tags[prefix]; ok && !slices.ContainsFunc(all, func(i Item) bool { return i.Ref.Tag == prefix }) {
		listed, err := r.children(ctx, list)
		if err != nil {
			return nil, err
		}
		foreign := slices.ContainsFunc(listed, func(d v1.Hash) bool { return !referring[d] })
		if len(listed) > 0 && !foreign {
			all = append(all, Item{ref.Reference{Host: r.items[0].Ref.Host, Repository: r.name, Tag: prefix}, list})
		}
	}
	return all, nil
}

// referringTo are the referrers of a manifest that are ours.
func (r *repository) referringTo(ctx context.Context, digest v1.Hash) (all []Item, err error) {
	found, err := r.Target.Referrers(ctx, r.name, digest)
	if err != nil {
		return nil, err
	}
	for _, descriptor := range found {
		at := slices.IndexFunc(r.Attachments, func(i Item) bool {
			return i.Ref.Repository == r.name && i.Ref.Tag == "" && i.Digest == descriptor.Digest
		})
		switch {
		case at >= 0:
			all = append(all, r.Attachments[at])
		case attestation.Is(descriptor):
			name := ref.Reference{Host: r.items[0].Ref.Host, Repository: r.name, Digest: descriptor.Digest.String()}
			all = append(all, Item{name, descriptor.Digest})
		}
	}
	return all, nil
}

// settle finds what stays: all that tags lead to which are not to go, and what is wanted. What shares
// content with that stays as well, and so on until nothing changes.
func (r *repository) settle(ctx context.Context, families []*family) (map[v1.Hash]bool, error) {
	for {
		going := map[string]bool{}
		for _, f := range families {
			if f.kept != "" {
				continue
			}
			going[f.item.Ref.Tag] = true
			for _, attached := range f.attached {
				for _, item := range attached {
					going[item.Ref.Tag] = item.Ref.Tag != ""
				}
			}
		}
		var roots []v1.Hash
		for tag, digest := range r.tags {
			if !going[tag] {
				roots = append(roots, digest)
			}
		}
		for _, item := range r.Wanted {
			if item.Ref.Repository == r.name {
				roots = append(roots, item.Digest)
			}
		}
		staying, err := r.below(ctx, roots)
		if err != nil {
			return nil, err
		}
		if !r.giveWay(families, staying, going) {
			return staying, nil
		}
	}
}

// giveWay keeps families, and attachments, that share content with what stays; it tells whether any
// did.
func (r *repository) giveWay(families []*family, staying map[v1.Hash]bool, going map[string]bool) bool {
	changed := false
	for _, f := range families {
		if f.kept == "" && f.sharer == "" && staying[f.item.Digest] {
			f.sharer, changed = r.sharer(f.item.Digest, going), true
			f.attached = nil
		}
		if f.kept != "" {
			continue
		}
		for digest := range f.attached {
			if staying[digest] {
				delete(f.attached, digest) // it is attached to what stays
				changed = true
			}
		}
	}
	return changed
}

// sharer is a tag that stays and leads to a manifest directly, or a word for one that does not.
func (r *repository) sharer(digest v1.Hash, going map[string]bool) string {
	for _, tag := range slices.Sorted(maps.Keys(r.tags)) {
		if r.tags[tag] == digest && !going[tag] {
			return "the tag " + tag
		}
	}
	return "something else"
}

// removals are what becomes of a family, the artifact first. What stays because it is shared is no
// part of it.
func (r *repository) removals(f *family, staying, done map[v1.Hash]bool) []Removal {
	first := Removal{Item: f.item, Outcome: Goes, OfferedBy: f.offered}
	switch {
	case f.gone:
		first.Outcome, first.OfferedBy = Gone, ""
	case f.kept != "":
		return []Removal{{Item: f.item, Outcome: Kept, Reason: f.kept}}
	case f.sharer != "" && f.item.Ref.Tag == "":
		return []Removal{{Item: f.item, Outcome: Kept, Reason: "it is the same content as " + f.sharer + ", which stays"}}
	case f.sharer != "":
		first.TagOnly, first.Reason = true, "it is the same content as "+f.sharer+", which stays"
		return []Removal{first}
	}
	all := []Removal{first}
	add := func(item Item) {
		if !staying[item.Digest] && !done[item.Digest] {
			done[item.Digest] = true
			all = append(all, Removal{Item: item, Of: f.item.Ref.String(), Outcome: Goes})
		}
	}
	if done[f.item.Digest] && !f.gone { // another tag of the same content, which goes with it
		all[0].Reason = "with another tag of the same content"
	}
	if done[f.item.Digest] = true; f.gone && (f.kept != "" || !r.absent[f.item.Digest]) {
		return all // its tag is gone, and its content is not, or needed: who removed the tag knows what for
	}
	for _, digest := range f.below {
		add(Item{Ref: ref.Reference{Host: f.item.Ref.Host, Repository: r.name, Digest: digest.String()}, Digest: digest})
	}
	for _, digest := range append([]v1.Hash{f.item.Digest}, f.below...) {
		for _, item := range f.attached[digest] {
			add(item)
		}
	}
	return all
}

// below are the manifests and all that lies below them. What is no manifest that we know is a leaf.
func (r *repository) below(ctx context.Context, roots []v1.Hash) (map[v1.Hash]bool, error) {
	seen := map[v1.Hash]bool{}
	for queue := slices.Clone(roots); len(queue) > 0; {
		digest := queue[0]
		queue = queue[1:]
		if seen[digest] {
			continue
		}
		if seen[digest] = true; len(seen) > mostManifests {
			return nil, fmt.Errorf("it has more than the %d manifests that are looked at", mostManifests)
		}
		children, err := r.children(ctx, digest)
		if err != nil {
			return nil, err
		}
		queue = append(queue, children...)
	}
	return seen, nil
}

func (r *repository) children(ctx context.Context, digest v1.Hash) ([]v1.Hash, error) {
	if known, ok := r.links[digest]; ok {
		return known, nil
	}
	var children []v1.Hash
	manifest, err := r.Target.Manifest(ctx, r.name, digest.String())
	switch {
	case errors.Is(err, registry.ErrNotFound):
		r.absent[digest] = true
	case errors.Is(err, registry.ErrUnknownType):
	case err != nil:
		return nil, err
	default:
		links, err := oci.Parse(manifest)
		if err != nil {
			return nil, err
		}
		for _, child := range links.Manifests {
			children = append(children, child.Digest)
		}
	}
	r.links[digest] = children
	return children, nil
}
