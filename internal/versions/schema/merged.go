package schema

import (
	"maps"
	"slices"
)

// Merged is what all catalogue files say of one product, each over those before it. The zero value
// says nothing.
type Merged struct {
	Product
	files []file // in their order
}

// file is a catalogue file as it was read.
type file struct {
	name string
	data []byte
}

// With is what the files say with one more over them: registries, shapes and releases of the file
// replace those of the same name as a whole; title, notice, target, cluster and discover do where
// they are given, and accepted places are added. Name stands in errors only.
func (m Merged) With(name string, data []byte, more Product) Merged {
	return Merged{Product: more.over(m.Product), files: append(slices.Clone(m.files), file{name: name, data: data})}
}

// over lays s over an older spec of the same product.
func (s Product) over(old Product) Product {
	merged := old
	merged.Product = s.Product
	if s.Title != "" {
		merged.Title = s.Title
	}
	if s.Notice != "" {
		merged.Notice = s.Notice
	}
	if s.Target != "" {
		merged.Target = s.Target
	}
	if s.Cluster != nil {
		merged.Cluster = s.Cluster
	}
	if s.Discover != nil {
		merged.Discover = s.Discover
	}
	merged.Accept = append(slices.Clone(old.Accept), s.Accept...)
	merged.Registries = mergeMaps(old.Registries, s.Registries)
	merged.Shapes = mergeMaps(old.Shapes, s.Shapes)
	merged.Releases = mergeMaps(old.Releases, s.Releases)
	return merged
}

func mergeMaps[V any](old, over map[string]V) map[string]V {
	merged := make(map[string]V, len(old)+len(over))
	maps.Copy(merged, old)
	maps.Copy(merged, over)
	return merged
}
