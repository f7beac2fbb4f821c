// Package formats speaks the formats of neighbouring tools: it writes what was selected, or
// locked, as their configuration, and reads their lists of images. It is pure.
//
//	text, err := formats.Export(formats.Regsync, items)
//	list, err := formats.ParseImages(text)
package formats

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Format is a format that can be written.
type Format string

// The formats of plain lists. Argo CD, Flux and the admission policy take more than a list.
const (
	Images   Format = "images"
	Regsync  Format = "regsync"
	Skopeo   Format = "skopeo"
	Hauler   Format = "hauler"
	OCMirror Format = "oc-mirror"
)

// Item is an artifact with its digest, which may not be known.
type Item struct {
	versions.Artifact
	// Digest is "sha256:…", or empty.
	Digest string
}

// IsChart tells whether it is a chart.
func (i Item) IsChart() bool { return i.Role == versions.RoleChart }

// source is where it comes from, pinned where its digest is known.
func (i Item) source() ref.Reference {
	from := i.Source
	from.Digest = cmp.Or(i.Digest, from.Digest)
	return from
}

// inRegistry are the items that a registry has: charts of classic repositories it has not.
func inRegistry(items []Item) []Item {
	return slices.DeleteFunc(slices.Clone(items), func(i Item) bool { return i.ChartURL != "" })
}

// Export writes items in a format. What a format cannot say is said in a comment at its head.
func Export(format Format, items []Item) ([]byte, error) {
	switch format {
	case Images:
		return imageList(items), nil
	case Regsync:
		return regsync(items)
	case Skopeo:
		return skopeo(items)
	case Hauler:
		return hauler(items)
	case OCMirror:
		return ocMirror(items)
	default:
		return nil, fmt.Errorf("there is no format %q", format)
	}
}

// imageList is a reference a line, of images alone: whatever reads such a list pulls each.
func imageList(items []Item) []byte {
	var b bytes.Buffer
	for _, i := range items {
		if !i.IsChart() {
			fmt.Fprintln(&b, i.source())
		}
	}
	return b.Bytes()
}

// document is one YAML document below comments.
func document(value any, comments ...string) ([]byte, error) {
	var b bytes.Buffer
	for _, comment := range comments {
		for line := range strings.Lines(comment) {
			b.WriteString("# " + strings.TrimSpace(line) + "\n")
		}
	}
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// left names the charts that a format cannot take along.
func left(items []Item, takes func(Item) bool) []string {
	var names []string
	for _, i := range items {
		if !takes(i) {
			names = append(names, cmp.Or(i.ChartURL, i.Source.String()))
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []string{"not in here, for this format has no place for it: " + strings.Join(names, ", ")}
}
