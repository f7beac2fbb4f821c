package lock

import (
	"bytes"
	"fmt"
	"strings"
)

// Selection is what somebody asked for, in the words of the settings, and where it was to go.
// What is empty was left to its default.
type Selection struct {
	Product string `json:"product"`
	// Releases are always named, the newest of the day too; none is for a list of images.
	Releases []string            `json:"releases"`
	Versions string              `json:"versions,omitempty"`
	Editions []string            `json:"editions,omitempty"`
	Extras   []string            `json:"extras,omitempty"`
	Axes     map[string][]string `json:"axes,omitempty"`
	// Prerequisites are NAME or NAME=RELEASE, sorted.
	Prerequisites []string `json:"prerequisites,omitempty"`
	ChartImages   bool     `json:"chartImages,omitempty"`
	Platforms     []string `json:"platforms,omitempty"`
	// Index says what became of indexes, where there are Platforms.
	Index string `json:"index,omitempty"`
	// WithoutAttachments says that signatures, SBOMs and the like were left behind.
	WithoutAttachments bool `json:"withoutAttachments,omitempty"`
	// Sources are HOST[/PATH] or NAME=HOST[/PATH] of what took the place of the product's own
	// registries.
	Sources []string `json:"sources,omitempty"`
	// Registry is HOST[/PATH].
	Registry string `json:"registry"`
}

// Differences names what is other in another selection, a line each: "editions: lite, was full".
func (s *Selection) Differences(was *Selection) []string {
	var all []string
	for _, field := range []struct{ name, is, was string }{
		{"product", s.Product, was.Product},
		{"releases", strings.Join(s.Releases, ","), strings.Join(was.Releases, ",")},
		{"versions", s.Versions, was.Versions},
		{"editions", strings.Join(s.Editions, ","), strings.Join(was.Editions, ",")},
		{"extras", strings.Join(s.Extras, ","), strings.Join(was.Extras, ",")},
		{"axes", axesText(s.Axes), axesText(was.Axes)},
		{"prerequisites", strings.Join(s.Prerequisites, ","), strings.Join(was.Prerequisites, ",")},
		{"chart images", fmt.Sprint(s.ChartImages), fmt.Sprint(was.ChartImages)},
		{"platforms", strings.Join(s.Platforms, ","), strings.Join(was.Platforms, ",")},
		{"index", s.Index, was.Index},
		{"without attachments", fmt.Sprint(s.WithoutAttachments), fmt.Sprint(was.WithoutAttachments)},
		{"source", strings.Join(s.Sources, ","), strings.Join(was.Sources, ",")},
		{"registry", s.Registry, was.Registry},
	} {
		if field.is != field.was {
			all = append(all, fmt.Sprintf("%s: %s, the lock has %s", field.name, word(field.is), word(field.was)))
		}
	}
	return all
}

func word(text string) string {
	if text == "" {
		return "none given"
	}
	return text
}

func axesText(axes map[string][]string) string {
	if len(axes) == 0 {
		return ""
	}
	return string(plain(axes)) // sorted by its keys
}

// check refuses what no setting can be.
func (s *Selection) check() error {
	if s == nil {
		return nil
	}
	if s.Product == "" || s.Registry == "" {
		return fmt.Errorf("lock: a selection without a product or a registry")
	}
	// Anything that has to be escaped, control characters above all, is in no setting.
	if bytes.ContainsRune(plain(s), '\\') {
		return fmt.Errorf("lock: a selection with characters that no setting has")
	}
	return nil
}
