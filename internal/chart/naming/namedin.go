package naming

import (
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// NamedImage is an image that one of a chart's own values names: a string that is nothing
// else, or a repository with its tag beside it, and perhaps its registry.
type NamedImage struct {
	Image ref.Reference
	// path leads to the string, or to what holds the repository.
	path []string
	// form is how the image is named.
	form namedForm
}

// Path leads to the value that is the image, or that holds its parts.
func (n NamedImage) Path() []string { return slices.Clone(n.path) }

type namedForm int

const (
	wholeName     namedForm = iota
	repositoryTag           // {repository, tag}
	registryToo             // {registry, repository, tag}
)

// NamedIn finds the images that values name. Lists are left alone: whoever sets one element of
// a list sets all of it.
func NamedIn(values map[string]any, origin Origin) []NamedImage {
	f := finder{names: newNames(origin)}
	f.look(nil, values)
	return f.found
}

type finder struct {
	names names
	found []NamedImage
}

func (f *finder) look(path []string, values map[string]any) {
	if image, form, ok := apart(values); ok {
		f.found = append(f.found, NamedImage{image, path, form})
		return
	}
	for _, key := range sortedKeys(values) {
		at := slices.Concat(path, []string{key})
		switch value := values[key].(type) {
		case map[string]any:
			f.look(at, value)
		case string:
			place := spot{path: strings.Join(at, "."), label: key}
			if found := f.names.in(place, value); len(found) == 1 && !found[0].repository && isNothingElse(value, found[0].Reference) {
				f.found = append(f.found, NamedImage{found[0].Reference, at, wholeName})
			}
		}
	}
}

// isNothingElse tells whether a text is the name of an image and nothing else.
func isNothingElse(text string, image ref.Reference) bool {
	named, err := ref.ParseImage(text)
	return err == nil && named.Tagged() == image
}

// apart reads a map that names an image in parts.
func apart(values map[string]any) (image ref.Reference, form namedForm, ok bool) {
	text := func(key string) string { s, _ := values[key].(string); return s }
	name, form := text("repository"), repositoryTag
	if name == "" || text("tag") == "" && text("digest") == "" {
		return image, form, false
	}
	if registry := text("registry"); registry != "" {
		name, form = registry+"/"+name, registryToo
	}
	if tag := text("tag"); tag != "" {
		name += ":" + tag
	}
	if digest := text("digest"); digest != "" {
		name += "@" + digest
	}
	image, err := ref.ParseImage(name)
	return image, form, err == nil
}

// IsSet tells whether values say already what the image is, or part of it.
func (n NamedImage) IsSet(values map[string]any) bool {
	var at any = values
	for _, key := range n.path {
		inner, _ := at.(map[string]any)
		if inner[key] == nil {
			return false
		}
		at = inner[key]
	}
	inner, isMap := at.(map[string]any)
	return !isMap || n.form == wholeName || inner["registry"] != nil || inner["repository"] != nil || inner["tag"] != nil
}

// Set lets values name the image as it is called elsewhere, by the same tag.
func (n NamedImage) Set(values map[string]any, as ref.Reference) {
	at := func(key string) []string { return slices.Concat(n.path, []string{key}) }
	switch n.form {
	case wholeName:
		valuetree.SetIn(values, nil, n.path, as.String())
	case repositoryTag:
		valuetree.SetIn(values, nil, at("repository"), as.Name())
	case registryToo:
		valuetree.SetIn(values, nil, at("registry"), as.Host)
		valuetree.SetIn(values, nil, at("repository"), as.Repository)
	}
}
