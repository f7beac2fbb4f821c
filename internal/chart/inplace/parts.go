package inplace

import (
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// change is a place with what its name becomes.
type change struct {
	Occurrence
	text string
}

// mentions are the images that the object names, each once: a repository that is a part of one is no
// image of its own.
func (u unit) mentions(origin naming.Origin) []naming.Mention {
	all := naming.MentionsOf(origin, u.use, u.object)
	parts := map[string]bool{}
	for _, m := range all {
		if m.Parts {
			parts[m.Path] = true
		}
	}
	return slices.DeleteFunc(all, func(m naming.Mention) bool {
		return m.Repository && parts[m.Path[:max(strings.LastIndexByte(m.Path, '.'), 0)]]
	})
}

// allChanges are those of all images for which to says a name.
func (u unit) allChanges(origin naming.Origin, to func(naming.Mention) string) []change {
	var all []change
	for _, m := range u.mentions(origin) {
		if m.End == 0 {
			continue
		}
		if name := to(m); name != "" {
			all = append(all, u.changes(m, name)...)
		}
	}
	return all
}

// changes are what has to change for a mention to become a name: its string or, for an image in parts,
// those of its registry and its repository. It is nothing where these cannot say it, for the registry is
// named once for several, or they lie in a document in a string.
func (u unit) changes(m naming.Mention, name string) []change {
	if !m.Parts {
		return []change{{Occurrence{Mention: m}, name}}
	}
	values, _ := at(u.object, m.Path).(map[string]any)
	to, err := ref.ParseImage(name)
	if values == nil || err != nil {
		return nil
	}
	key := "repository"
	repository, _ := values[key].(string)
	if repository == "" {
		key = "name"
		repository, _ = values[key].(string)
	}
	registry, _ := values["registry"].(string)
	own := strings.TrimPrefix(registry+"/"+repository, "/")
	if is, err := ref.ParseImage(own); err != nil || is.Canonical().Name() != m.Image.Canonical().Name() || repository == "" {
		return nil
	}
	if registry == "" {
		return []change{whole(m, key, repository, to.Name())}
	}
	return []change{whole(m, "registry", registry, to.Host), whole(m, key, repository, to.Repository)}
}

// whole is the change of a whole string in the map that a mention is about.
func whole(m naming.Mention, key, text, to string) change {
	m.Path = strings.TrimPrefix(m.Path+"."+key, ".")
	m.Text, m.Start, m.End = text, 0, len(text)
	return change{Occurrence{Mention: m}, to}
}

// at is what a path leads to, as package naming writes it; keys with dots lead nowhere.
func at(value any, path string) any {
	for path != "" {
		if strings.HasPrefix(path, "[") {
			number, rest, _ := strings.Cut(path[1:], "]")
			list, _ := value.([]any)
			n, err := strconv.Atoi(number)
			if err != nil || n < 0 || n >= len(list) {
				return nil
			}
			value, path = list[n], strings.TrimPrefix(rest, ".")
			continue
		}
		end := strings.IndexAny(path, ".[")
		if end < 0 {
			end = len(path)
		}
		table, _ := value.(map[string]any)
		value, path = table[path[:end]], strings.TrimPrefix(path[end:], ".")
	}
	return value
}
