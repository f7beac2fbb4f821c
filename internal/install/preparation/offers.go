package preparation

import (
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// OnlyMirrored leaves out of the release what users could pick and not pull: versions, and
// entries of catalogs, whose image is not in the registry. What keep names stays all the same:
// the names of versions, and images for catalogs. It is to be called after Resolve.
func (p *Prepared) OnlyMirrored(keep []string) {
	missing := map[ref.Reference]bool{}
	for _, image := range p.Images {
		missing[image.Ref] = image.Err != nil && !slices.Contains(keep, image.Ref.String())
	}
	p.Edit = func(object chart.Object) (chart.Object, bool) {
		offers := p.offersOf(object.GroupVersionKind().GroupKind())
		switch {
		case slices.ContainsFunc(offers, versions.Kind.IsList):
			return trimmed(object, offers, missing)
		case len(offers) == 1:
			return object, slices.Contains(keep, object.GetName()) || !namesAny(object, missing)
		default: // nothing to pick, or settings with an image for each of several purposes
			return object, true
		}
	}
	before := p.Unmirrored
	p.Rendering = p.Rendering.Edit(p.Edit)
	p.Unmirrored = p.unmirrored()
	for _, name := range before {
		if !slices.Contains(p.Unmirrored, name) {
			p.LeftOut = append(p.LeftOut, name)
		}
	}
}

// Missing are the images that the registry has not.
func (p *Prepared) Missing() []string {
	var all []string
	for _, image := range p.Images {
		if image.Err != nil {
			all = append(all, image.Ref.String())
		}
	}
	return all
}

// namesAny tells whether an object names one of the images.
func namesAny(object chart.Object, images map[ref.Reference]bool) bool {
	alone := &chart.Rendering{Objects: []chart.Object{object}}
	return slices.ContainsFunc(naming.Images(alone), func(image naming.UsedImage) bool { return images[image.Ref] })
}

// trimmed is a catalog without the entries that name one of the images; false where no list of
// it has an entry left.
func trimmed(object chart.Object, offers []versions.Kind, images map[ref.Reference]bool) (chart.Object, bool) {
	content := object.DeepCopy().Object
	changed, left := false, false
	for _, offer := range offers {
		if !offer.IsList() {
			continue
		}
		list, field := offer.ListPath()
		entries, _, _ := unstructured.NestedSlice(content, list...)
		kept := slices.DeleteFunc(slices.Clone(entries), func(entry any) bool { return images[imageOf(entry, field)] })
		left = left || len(kept) > 0
		if len(kept) == len(entries) || unstructured.SetNestedSlice(content, kept, list...) != nil {
			continue
		}
		changed = true
	}
	if !changed {
		return object, true
	}
	edited := object
	edited.Object = content
	if err := edited.SetText(); err != nil {
		return object, true // what was read as YAML can be written as YAML
	}
	return edited, left
}

// imageOf is the image of an entry; zero where it names none.
func imageOf(entry any, field []string) ref.Reference {
	fields, _ := entry.(map[string]any)
	text, _, _ := unstructured.NestedString(fields, field...)
	image, err := ref.ParseImage(text)
	if err != nil {
		return ref.Reference{}
	}
	return image.Tagged()
}
