package schema

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/document"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// File is one file that says the same: the only one, to the last comment, or else one that says
// what several files say, or one of old, as it is written today.
func (m Merged) File() ([]byte, error) {
	if len(m.files) == 1 {
		root, err := document.Root(m.files[0].data)
		if err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", m.files[0].name, err)
		}
		if !isLegacy(root) {
			return slices.Clone(m.files[0].data), nil
		}
	}
	data, err := m.write()
	if err != nil {
		return nil, fmt.Errorf("writing the catalogue of %s: %w", m.Product.Product, err)
	}
	return data, nil
}

// write is the spec as a file, its releases newest first.
func (s Product) write() ([]byte, error) {
	var root yaml.Node
	if err := root.Encode(s); err != nil {
		return nil, err
	}
	if releases := below(&root, "releases"); releases != nil {
		newestReleasesFirst(releases)
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(&root); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// newestReleasesFirst sorts the keys of a mapping, each with its value.
func newestReleasesFirst(releases *yaml.Node) {
	var pairs [][]*yaml.Node
	for pair := range slices.Chunk(releases.Content, 2) {
		pairs = append(pairs, pair)
	}
	slices.SortStableFunc(pairs, func(a, b []*yaml.Node) int { return releasename.Compare(b[0].Value, a[0].Value) })
	releases.Content = slices.Concat(pairs...)
}
