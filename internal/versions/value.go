package versions

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

// Value is one of a chart's values that has to change when its images move, or that has to be
// set for the release to work at all.
type Value struct {
	// At is the value's key, as helm's --set takes it, with placeholders of the image that Each
	// names: "relatedImages.postgres_{major}.image".
	At string
	// Each names images that each get a value of their own, as far as At tells them apart; empty
	// for one value.
	Each string
	// Tree is what the value becomes: any YAML, with placeholders in its texts.
	Tree any
	// JSON says that the value is a text that holds Tree as JSON.
	JSON bool
	// None is what the value becomes where no image that it names is at the target; nil leaves
	// it as it is.
	None any
}

// Fill is what stands in a value's placeholders.
type Fill struct {
	// Target is the folder in the private registry, PullSecret the name of the pull secret.
	Target     ref.Folder
	PullSecret string
	// Images are the artifacts to be named, by what the value calls them.
	Images map[string]Artifact
}

// Images are the names of the images that the value depends on; Each is the first.
func (v Value) Images() []string {
	var names []string
	if v.Each != "" {
		names = append(names, v.Each)
	}
	template.EachWord(v.Tree, func(word string) {
		name, field, _ := strings.Cut(word, ".")
		if field != "" && name != "target" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	})
	return names
}

// IsPullSecret tells whether the value names the pull secret.
func (v Value) IsPullSecret() bool {
	named := false
	template.EachWord(v.Tree, func(word string) { named = named || word == schema.PullSecretWord })
	return named
}

// MovesAll tells whether the value names the target's folder, to which the chart adds the names
// of its images.
func (v Value) MovesAll() bool {
	moves := false
	template.EachWord(v.Tree, func(word string) {
		name, _, _ := strings.Cut(word, ".")
		moves = moves || name == "target"
	})
	return moves
}

// IsWhole tells whether the value is the whole reference of one image.
func (v Value) IsWhole() bool {
	text, _ := v.Tree.(string)
	name, ok := strings.CutSuffix(strings.Trim(text, "{}"), ".ref")
	return ok && !v.JSON && text == "{"+name+".ref}"
}

// Path is where the value stands: keys, and for elements of lists their number in brackets,
// {"env", "[0]", "value"}. Keys may contain dots.
func (v Value) Path(fill Fill) []string {
	b := fill.blanks(v.Each)
	path := valuepath.Split(v.At)
	for i := range path {
		path[i] = template.Template(path[i]).Expand(b)
	}
	return path
}

// Make is what the value becomes.
func (v Value) Make(fill Fill) (any, error) {
	made := template.ExpandTree(v.Tree, fill.blanks(v.Each))
	if !v.JSON {
		return made, nil
	}
	text, err := json.Marshal(made)
	return string(text), err
}

// blanks are the texts for all placeholders.
func (f Fill) blanks(each string) template.Blanks {
	b := template.Blanks{
		"target.host": f.Target.Host, "target.path": f.Target.Path, "target": f.Target.String(),
		schema.PullSecretWord: f.PullSecret,
	}
	for name, a := range f.Images {
		for field, of := range fieldsOfImages {
			b[name+"."+field] = of(a.Target)
		}
		if name != each {
			continue
		}
		if len(a.Versions) > 0 {
			b = b.With(template.OfVersion(a.Versions[0]))
		}
		b[schema.EditionAxis] = string(a.Edition)
		for axis, word := range a.Axes {
			b[axis] = word
		}
	}
	return b
}

// ImageFields are the parts of an image's name that values can have, sorted: "{operator.tag}".
func ImageFields() []string { return slices.Sorted(maps.Keys(fieldsOfImages)) }

// fieldsOfImages are the parts of a reference that charts keep.
var fieldsOfImages = map[string]func(ref.Reference) string{
	"ref":        ref.Reference.String,
	"repository": ref.Reference.Name,
	"host":       func(r ref.Reference) string { return r.Host },
	"path":       func(r ref.Reference) string { return r.Repository },
	"folder":     func(r ref.Reference) string { return r.Parent().Path },
	"name":       func(r ref.Reference) string { return r.Repository[strings.LastIndexByte(r.Repository, '/')+1:] },
	"tag":        func(r ref.Reference) string { return r.Tag },
}
