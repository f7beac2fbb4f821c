package chart

import (
	"regexp"
	"sort"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Image is an image that a rendering names.
type Image struct {
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
func (r *Rendering) Images() []Image {
	found := map[ref.Reference]*Image{}
	for _, object := range r.Objects {
		if object.IsCRD() {
			continue
		}
		visit("", object.Object, func(path, text string) {
			for _, ref := range references(path, text) {
				image := found[ref]
				if image == nil {
					image = &Image{Ref: ref}
					found[ref] = image
				}
				image.Uses = append(image.Uses, use(object, path))
			}
		})
	}
	images := make([]Image, 0, len(found))
	for _, image := range found {
		images = append(images, *image)
	}
	sort.Slice(images, func(i, j int) bool { return images[i].Ref.String() < images[j].Ref.String() })
	return images
}

func use(object Object, path string) Use {
	return Use{Kind: object.GetKind(), Namespace: object.GetNamespace(), Name: object.GetName(), Path: path}
}

// reference matches HOST/PATH:TAG, HOST/PATH@DIGEST and both together, where HOST has a
// dot or a port, or is localhost. A tag or a digest is asked for because names of API
// groups and annotations, cert-manager.io/inject-ca-from, look like repositories. It is compiled
// when it is needed first: most commands look at no chart.
var reference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(
		`(?:^|[\s"'` + "`" + `=,;|(){}\[\]<>])` +
			`(?:docker://|oci://)?` +
			`((?:localhost|[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)+|[a-zA-Z0-9-]+:[0-9]+|\[[0-9a-fA-F:]+\])(?::[0-9]+)?` +
			`(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)+` +
			`(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(?:@sha256:[a-f0-9]{64})?|@sha256:[a-f0-9]{64}))`)
})

// references finds the images in one string.
func references(path, text string) []ref.Reference {
	if image, ok := imageField(path, text); ok {
		return []ref.Reference{image}
	}
	var found []ref.Reference
	for rest := text; ; {
		at := reference().FindStringSubmatchIndex(rest)
		if at == nil {
			return found
		}
		// The end is not consumed, for it may be the separator before the next one.
		if word, end := rest[at[2]:at[3]], rest[at[3]:]; endsWord(end) {
			if image, ok := parse(strings.TrimRight(word, ".-")); ok {
				found = append(found, image)
			}
		}
		rest = rest[at[3]:]
	}
}

// endsWord tells whether what follows a match closes it, so that a match is a whole word
// and not the beginning of a URL or of a template.
func endsWord(rest string) bool {
	return rest == "" || strings.ContainsRune(" \t\r\n\"'`=,;|(){}[]<>\\", rune(rest[0]))
}

// imageField reads fields that hold nothing but an image: there a short name, "nginx",
// and a repository without a tag are images too.
func imageField(path, text string) (ref.Reference, bool) {
	field, text := path[strings.LastIndexByte(path, '.')+1:], strings.TrimSpace(text)
	switch {
	case field == "image":
		return parse(text)
	case strings.HasSuffix(field, "Image") && strings.ContainsAny(text, ":/@"):
		return parse(text)
	default:
		return ref.Reference{}, false
	}
}

// parse reads a reference as docker does: docker.io and latest are what is not said.
func parse(text string) (ref.Reference, bool) {
	base, digest, _ := strings.Cut(text, "@")
	tag, err := name.NewTag(base, name.WithDefaultTag(""))
	if err != nil {
		return ref.Reference{}, false
	}
	image := ref.Reference{Host: tag.RegistryStr(), Repository: tag.RepositoryStr(), Tag: tag.TagStr(), Digest: digest}
	if digest != "" {
		_, err := v1.NewHash(digest)
		return image, err == nil
	}
	if image.Tag == "" {
		image.Tag = name.DefaultTag
	}
	return image, true
}
