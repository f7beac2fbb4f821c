package naming

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Operators take images in parts, {repository, tag} or {registry, repository, tag}, and some take a
// whole document in a string, a ConfigMap's data or a variable, where they lie in JSON or YAML: with a
// name in place of the repository, and the registry once for all of them further out. Where a map
// holds an image's parts, they are read as if the image stood there in one string.

// visitAll calls see for each string in value, and for each image that it names in parts.
func visitAll(at spot, value any, see func(at spot, text string)) {
	visit(at, value, see)
	parts{see: see}.visit(at, value, "", mostDocuments)
}

// mostDocuments are how many documents may lie in strings of one another.
const mostDocuments = 2

// parts puts together what lies in parts.
type parts struct {
	see func(at spot, text string)
	// escaped is the document in a string round value, where characters may be written as their numbers
	// in it: what is not there to the letter was not seen with the string as a whole.
	escaped string
}

// visit looks for parts in value; registry is the nearest one that is named round it.
func (p parts) visit(at spot, value any, registry string, deeper int) {
	switch value := value.(type) {
	case string:
		if p.escaped != "" && !strings.Contains(p.escaped, value) {
			p.see(at, value)
		}
		if deeper == 0 {
			return
		}
		inner := parts{see: p.see}
		if escapedPattern().MatchString(value) {
			inner.escaped = value
		}
		for _, document := range documents(value) {
			inner.visit(spot{path: at.path, label: at.label}, document, registry, deeper-1)
		}
	case []any:
		for i, element := range value {
			p.visit(spot{path: fmt.Sprintf("%s[%d]", at.path, i), label: at.label}, element, registry, deeper)
		}
	case map[string]any:
		if text, ok := together(at.label, value, registry); ok {
			p.see(spot{path: at.path, label: "image", parts: true}, text)
		}
		registry = registryIn(value, registry)
		for _, key := range sortedKeys(value) {
			p.visit(spot{path: strings.TrimPrefix(at.path+"."+key, "."), label: key}, value[key], registry, deeper)
		}
	}
}

// registryIn is the registry that a map names beside other things, containerRegistry: quay.io, or the
// one from further out.
func registryIn(value map[string]any, outer string) string {
	for _, key := range sortedKeys(value) {
		text, _ := value[key].(string)
		if strings.HasSuffix(strings.ToLower(key), "registry") && hasHost(text+"/") {
			return strings.TrimSuffix(text, "/")
		}
	}
	return outer
}

// together is the image of which a map holds the parts. In a map that is called an image, a name is
// a repository, and one of several words without a registry is Docker Hub's unless one is named
// further out; another map has to say where its repository lies.
func together(label string, value map[string]any, outer string) (string, bool) {
	called := strings.HasSuffix(strings.TrimSuffix(strings.ToLower(label), "s"), "image")
	name, registry := word(value["repository"]), word(value["registry"])
	if name == "" && called {
		name = word(value["name"])
	}
	tag, digest := word(value["tag"]), word(value["digest"])
	if name == "" || tag == "" && digest == "" {
		return "", false
	}
	if registry == "" && !hasHost(name) {
		if registry = outer; registry == "" && (!called || !strings.Contains(name, "/")) {
			return "", false
		}
	}
	if registry != "" {
		name = registry + "/" + name
	}
	if tag != "" {
		name += ":" + tag
	}
	if digest != "" {
		name += "@" + digest
	}
	_, err := ref.ParseImage(name)
	return name, err == nil
}

// word is what a part says; a tag may be a number.
func word(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case int, int64, uint64, float64, json.Number:
		return fmt.Sprint(value)
	}
	return ""
}
