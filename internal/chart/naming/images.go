package naming

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// UsedImage is an image that a rendering names.
type UsedImage struct {
	// Ref is the reference in full, docker.io's short forms spelled out.
	Ref ref.Reference
	// Uses are the places that name it, in the order of the manifest.
	Uses []Use
}

// Use is one place in a rendering.
type Use struct {
	// Kind, Namespace and Name are the object's; Namespace may be empty.
	Kind, Namespace, Name string
	// Path is the field, "spec.template.spec.containers[0].image".
	Path string
}

// String is the place in one line.
func (u Use) String() string {
	name := u.Name
	if u.Namespace != "" {
		name = u.Namespace + "/" + u.Name
	}
	return u.Kind + " " + name + " " + u.Path
}

// Images finds every image that the rendering names, in whatever string it stands:
// image fields, environment, arguments, ConfigMap data, the specs of custom resources.
// CustomResourceDefinitions are left out. An image that a chart does not render, such as
// a default compiled into an operator, cannot be found here.
func Images(r *chart.Rendering) []UsedImage { return ImagesOf(r, Origin{}) }

// ImagesOf is Images for a product whose origin is known: it finds the short names of the
// product's images too.
func ImagesOf(r *chart.Rendering, origin Origin) []UsedImage {
	found := map[ref.Reference]*UsedImage{}
	eachName(r, newNames(origin), func(use Use, _ string, image named) {
		if image.repository {
			return
		}
		if found[image.Reference] == nil {
			found[image.Reference] = &UsedImage{Ref: image.Reference}
		}
		if uses := &found[image.Reference].Uses; !slices.Contains(*uses, use) {
			*uses = append(*uses, use)
		}
	})
	images := make([]UsedImage, 0, len(found))
	for _, image := range found {
		images = append(images, *image)
	}
	slices.SortFunc(images, func(a, b UsedImage) int { return strings.Compare(a.Ref.String(), b.Ref.String()) })
	return images
}

// Untagged is a repository that a chart names without a tag or a digest.
type Untagged struct {
	Use        Use
	Repository ref.Reference
}

// UntaggedIn are the repositories that the rendering names alone, outside of fields that hold an
// image: whatever they are given to fills in the tag. Each is there once, with its first place.
// What calls itself a repository, DB_REPOSITORY, is one too: it may be that of an artifact.
func UntaggedIn(r *chart.Rendering, origin Origin) []Untagged {
	var all []Untagged
	names := newNames(origin)
	add := func(use Use, repository ref.Reference) {
		if !slices.ContainsFunc(all, func(u Untagged) bool { return u.Repository == repository }) {
			all = append(all, Untagged{Use: use, Repository: repository})
		}
	}
	inParts := map[string]bool{} // their tags stand beside them
	eachLine(r, func(use Use, at spot, _ string) {
		if at.parts {
			inParts[use.String()+".repository"] = true
		}
	})
	eachLine(r, func(use Use, at spot, line string) {
		if inParts[use.String()] {
			return
		}
		for _, image := range names.in(at, line) {
			if image.repository {
				add(use, image.Reference)
			}
		}
		for _, repository := range calledRepositories(at, line) {
			add(use, repository)
		}
	})
	return all
}

// calledRepositories are what stands alone, or in a list with commas, in a place that is called a
// repository, and has no tag.
func calledRepositories(at spot, line string) []ref.Reference {
	label := strings.ToLower(at.label)
	if !strings.HasSuffix(label, "repository") && !strings.HasSuffix(label, "repositories") {
		return nil
	}
	var all []ref.Reference
	for word := range strings.SplitSeq(line, ",") {
		word = strings.TrimSpace(word)
		repository, err := ref.ParseImage(word)
		if err == nil && hasHost(word) && repository.Tag == "" && repository.Digest == "" {
			all = append(all, repository)
		}
	}
	return all
}

// eachName calls see for everything that a line of the rendering names.
func eachName(r *chart.Rendering, names names, see func(use Use, line string, image named)) {
	eachLine(r, func(use Use, at spot, line string) {
		for _, image := range names.in(at, line) {
			see(use, line, image)
		}
	})
}

// eachLine calls see for every line of every string, CustomResourceDefinitions left out.
func eachLine(r *chart.Rendering, see func(use Use, at spot, line string)) {
	eachString(r, func(use Use, at spot, text string) {
		for line := range strings.Lines(text) {
			see(use, at, strings.TrimSpace(line))
		}
	})
}

// eachString calls see for every string, and every image in parts, CustomResourceDefinitions left out.
func eachString(r *chart.Rendering, see func(use Use, at spot, text string)) {
	for _, object := range r.Objects {
		if object.IsCRD() {
			continue
		}
		visitAll(spot{}, readable(object), func(at spot, text string) {
			see(Use{Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(), Path: at.path}, at, text)
		})
	}
}
