// Package pinning names images by digest whose names a chart puts together from values in parts:
// Pinning.Pin. Charts take a digest in one of few ways, and none tells which: each is tried, and
// rendering the chart shows whether the image's name then has the digest, and nothing else has
// changed. It knows no chart by name.
package pinning

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Pinning is what is to be pinned.
type Pinning struct {
	// Values are the user's, which name the images by tags; All are those that templates see with them.
	Values, All map[string]any
	// Render renders the chart with values.
	Render func(ctx context.Context, values map[string]any) (*chart.Rendering, error)
	// Origin is where the images come from.
	Origin naming.Origin
	// Images are those to pin, as values name them now: with a tag, and no digest.
	Images []ref.Reference
	// Tags are the paths of values that are the tag of an image, where that is known.
	Tags map[ref.Reference][]string
	// Digest asks for that of an image. It is asked only for what a rendering names.
	Digest func(ctx context.Context, image ref.Reference) (string, error)
}

// Pinned is what came of a Pinning.
type Pinned struct {
	// Values are the user's with what pins images.
	Values map[string]any
	// Images are those that are pinned, Open those that the rendering names by their tags still.
	Images, Open []ref.Reference
	// Rendered says that the chart could be rendered: otherwise nothing is proved, and Open is not known.
	Rendered bool
}

// Pin pins as many images as can be proved. Errors are those of Digest, and of the context.
func (p Pinning) Pin(ctx context.Context) (*Pinned, error) {
	before, err := p.Render(ctx, p.Values)
	if err != nil {
		return &Pinned{Values: p.Values}, context.Cause(ctx)
	}
	t := &trial{Pinning: p, before: usesOf(before, p.Origin)}
	if err := t.find(ctx); err != nil {
		return nil, err
	}
	for _, form := range forms {
		if err := t.try(ctx, form); err != nil {
			return nil, err
		}
	}
	return t.settle(ctx)
}

// uses are the images that places name, by place.
type uses map[naming.Use][]ref.Reference

func usesOf(r *chart.Rendering, origin naming.Origin) uses {
	all := uses{}
	for _, image := range naming.ImagesOf(r, origin) {
		for _, use := range image.Uses {
			all[use] = append(all[use], image.Ref)
		}
	}
	return all
}

// wanted is one image that a rendering names by its tag, with the values that lead to it.
type wanted struct {
	image  ref.Reference
	digest string
	// parts is the path of what holds the image's parts; tag that of its tag. Either may be nil.
	parts, tag []string
	// kept are the changes that pin it; nil where none is known yet. Whole says that its name has the
	// tag still.
	kept  []change
	whole bool
}

type change struct {
	path  []string
	value string
}

// forms are the ways in which charts take a digest: beside the tag or in its place, in the tag, and
// as a bare number. Those after which a name is sure to have its tag are preferred where there
// is a choice; see trial.try.
var forms = []func(*wanted) []change{
	func(w *wanted) []change { return w.beside("digest", w.digest) },
	func(w *wanted) []change {
		if w.parts == nil || w.tag == nil {
			return nil
		}
		return append(w.beside("digest", w.digest), change{w.tag, w.image.Tag})
	},
	func(w *wanted) []change {
		if w.tag == nil {
			return nil
		}
		return []change{{w.tag, w.image.Tag + "@" + w.digest}}
	},
	func(w *wanted) []change { return w.beside("sha", strings.TrimPrefix(w.digest, "sha256:")) },
}

func (w *wanted) beside(key, value string) []change {
	if w.parts == nil {
		return nil
	}
	return []change{{slices.Concat(w.parts, []string{key}), value}}
}

// trial is a pinning under way.
type trial struct {
	Pinning
	before uses
	all    []*wanted
}

// find finds the images that the rendering names by tags, and the values that may lead to them.
func (t *trial) find(ctx context.Context) error {
	places := partsIn(nil, t.All)
	for _, image := range t.Images {
		if !t.before.name(image) {
			continue
		}
		w := &wanted{image: image, tag: t.Tags[image]}
		if at := t.placeOf(places, image); at != nil {
			w.parts = at.path
			if w.tag == nil {
				w.tag = slices.Concat(at.path, []string{at.tagKey(image.Tag)})
			}
		}
		if w.parts == nil && w.tag == nil {
			continue
		}
		var err error
		if w.digest, err = t.Digest(ctx, image); err != nil {
			return err
		}
		t.all = append(t.all, w)
	}
	return nil
}

// name tells whether any place names the image.
func (u uses) name(image ref.Reference) bool {
	for _, named := range u {
		if slices.Contains(named, image) {
			return true
		}
	}
	return false
}

// nameParts is a map that holds the parts of an image's name.
type nameParts struct {
	path   []string
	values map[string]any
	name   string // the last element of its repository
}

// partsIn finds what holds a repository. Lists are left alone: whoever sets one element of a list
// sets all of it.
func partsIn(at []string, values map[string]any) []nameParts {
	var all []nameParts
	for key, value := range values {
		switch value := value.(type) {
		case map[string]any:
			all = append(all, partsIn(slices.Concat(at, []string{key}), value)...)
		case string:
			if len(at) > 0 && value != "" && isRepository(key, values) {
				all = append(all, nameParts{at, values, path.Base(value)})
			}
		}
	}
	slices.SortFunc(all, func(a, b nameParts) int { return slices.Compare(a.path, b.path) })
	return all
}

// isRepository tells whether a key of a map may hold the repository of an image. What is called
// otherwise may be anything, but where a tag stands beside it.
func isRepository(key string, values map[string]any) bool {
	if key == "repository" {
		return true
	}
	_, hasTag := values["tag"]
	return hasTag && (key == "image" || key == "name")
}

// placeOf is the one place that may be the image's; nil where there is none, or no telling.
func (t *trial) placeOf(places []nameParts, image ref.Reference) *nameParts {
	var fit []nameParts
	for _, p := range places {
		if tag, _ := p.values[p.tagKey(image.Tag)].(string); p.name == path.Base(image.Repository) && (tag == "" || tag == image.Tag) {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 || len(fit) > 1 && !slices.Equal(fit[0].path, fit[len(fit)-1].path) {
		return nil
	}
	return &fit[0]
}

// tagKey is the key of the tag: the one that is the tag, or else the usual one.
func (p nameParts) tagKey(tag string) string {
	for _, key := range []string{"tag", "imageTag", "version"} {
		if p.values[key] == tag {
			return key
		}
	}
	return "tag"
}

// try tries a form on all images that are not pinned with their tags yet: together, and where the chart does
// not take that, one by one.
func (t *trial) try(ctx context.Context, form func(*wanted) []change) error {
	var some []*wanted
	for _, w := range t.all {
		if !w.whole && form(w) != nil {
			some = append(some, w)
		}
	}
	if len(some) == 0 {
		return nil
	}
	after, err := t.render(ctx, some, form)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		for _, w := range some {
			t.judge(w, form(w), after)
		}
		return nil
	}
	for _, w := range some {
		if len(some) == 1 {
			break // that was it
		}
		if after, err := t.render(ctx, []*wanted{w}, form); err == nil {
			t.judge(w, form(w), after)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (t *trial) render(ctx context.Context, some []*wanted, form func(*wanted) []change) (*chart.Rendering, error) {
	values := valuetree.CopyValues(t.Values)
	for _, w := range some {
		set(values, form(w))
	}
	return t.Render(ctx, values)
}

func set(values map[string]any, changes []change) {
	for _, c := range changes {
		valuetree.SetIn(values, nil, c.path, c.value)
	}
}

// judge keeps changes that a rendering proves to pin an image, unless others did, and these take
// its tag.
func (t *trial) judge(w *wanted, changes []change, after *chart.Rendering) {
	if pins, whole := t.proves(w, after); pins && (w.kept == nil || whole) {
		w.kept, w.whole = changes, whole
	}
}

// proves tells whether every place that named the image names it by digest, and no other has anything
// of the digest: whole, whether the tag is there too.
func (t *trial) proves(w *wanted, after *chart.Rendering) (pins, whole bool) {
	long, short := w.image, w.image
	long.Digest, short.Digest, short.Tag = w.digest, w.digest, ""
	now := usesOf(after, t.Origin)
	whole = true
	for use, named := range t.before {
		if !slices.Contains(named, w.image) {
			continue
		}
		pins = slices.Contains(now[use], long) || slices.Contains(now[use], short)
		if !pins || slices.Contains(now[use], w.image) {
			return false, false
		}
		whole = whole && slices.Contains(now[use], long)
	}
	number := strings.TrimPrefix(w.digest, "sha256:")
	naming.Strings(after, func(use naming.Use, text string) {
		if strings.Contains(text, number) && !t.mayHave(use, w.digest) {
			pins = false // a label, or another image
		}
	})
	return pins, whole
}

// mayHave tells whether a place named an image of that digest: one content may have several names.
func (t *trial) mayHave(use naming.Use, digest string) bool {
	return slices.ContainsFunc(t.all, func(w *wanted) bool { return w.digest == digest && slices.Contains(t.before[use], w.image) })
}

// settle is all that was kept, if together it comes to what each did alone.
func (t *trial) settle(ctx context.Context) (*Pinned, error) {
	made := &Pinned{Values: valuetree.CopyValues(t.Values), Rendered: true}
	for _, w := range t.all {
		if w.kept != nil {
			set(made.Values, w.kept)
			made.Images = append(made.Images, w.image)
		}
	}
	after := t.before
	if len(made.Images) > 0 {
		rendering, err := t.Render(ctx, made.Values)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err == nil && t.holds(rendering) {
			after = usesOf(rendering, t.Origin)
		} else {
			made.Values, made.Images = t.Values, nil
		}
	}
	for _, image := range t.Images {
		if after.name(image) {
			made.Open = append(made.Open, image)
		}
	}
	return made, nil
}

// holds tells whether all that was kept pins what it should in one rendering, and changes nothing else.
func (t *trial) holds(after *chart.Rendering) bool {
	for _, w := range t.all {
		if w.kept == nil {
			continue
		}
		if pins, _ := t.proves(w, after); !pins {
			return false
		}
	}
	return t.sameOtherwise(after)
}

// sameOtherwise tells whether places that name nothing that was pinned name what they did.
func (t *trial) sameOtherwise(after *chart.Rendering) bool {
	now := usesOf(after, t.Origin)
	for use, named := range t.before {
		touched := slices.ContainsFunc(t.all, func(w *wanted) bool { return w.kept != nil && slices.Contains(named, w.image) })
		if !touched && !slices.Equal(named, now[use]) {
			return false
		}
	}
	return true
}
