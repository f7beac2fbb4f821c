package versions

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/versions/document"
)

//go:embed catalogue/*.yaml
var builtinFiles embed.FS

var builtin = sync.OnceValues(func() (*Catalogue, error) {
	c := &Catalogue{}
	entries, err := fs.Glob(builtinFiles, "catalogue/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		data, err := builtinFiles.ReadFile(entry)
		if err != nil {
			return nil, err
		}
		if c, err = c.Merge(entry, data); err != nil {
			return nil, err
		}
	}
	return c, nil
})

// Builtin is the catalogue that the program carries. A fault in its data is a fault of
// the build, found by this package's tests, and panics.
func Builtin() *Catalogue {
	c, err := builtin()
	if err != nil {
		panic(err)
	}
	return c
}

// Load is the built-in catalogue with users' own files merged over it, in the order
// given. Without paths it is Builtin.
func Load(paths ...string) (*Catalogue, error) {
	c := Builtin()
	for _, path := range paths {
		data, err := readCatalogue(path)
		if err != nil {
			return nil, err
		}
		if c, err = c.Merge(path, data); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// longestCatalogue is far more than a catalogue needs, and little enough to read whole
// when somebody names the wrong file.
const longestCatalogue = 1 << 20

func readCatalogue(path string) ([]byte, error) {
	// Opening a pipe may take for ever.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		return nil, fmt.Errorf("catalogue %s: it is no regular file", path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, longestCatalogue+1))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return data, nil
}

// Merge returns a catalogue with one more file: a new product, or more about one that is
// there already. Registries, shapes and releases of the file replace those of the same
// name as a whole; title, notice, target, cluster and discover do where they are given, and
// accepted places are added. The receiver stays as it is. File stands in errors only.
func (c *Catalogue) Merge(file string, data []byte) (*Catalogue, error) {
	merged, err := c.merge(file, data)
	if err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", file, err)
	}
	return merged, nil
}

func (c *Catalogue) merge(name string, data []byte) (*Catalogue, error) {
	spec, err := parseSpec(data)
	if err != nil {
		return nil, err
	}
	before := c.find(spec.Product)
	product, err := compile(spec.over(before.spec))
	if err != nil {
		return nil, err
	}
	product.files = append(slices.Clone(before.files), file{name: name, data: data})
	merged := &Catalogue{}
	for _, p := range c.products {
		if p.Name != product.Name {
			merged.products = append(merged.products, p)
		}
	}
	merged.products = append(merged.products, product)
	slices.SortFunc(merged.products, func(a, b *Product) int { return strings.Compare(a.Name, b.Name) })
	return merged, nil
}

// file is a catalogue file as it was read.
type file struct {
	name string
	data []byte
}

// find is a product; an empty one where the catalogue has none of that name.
func (c *Catalogue) find(product string) *Product {
	for _, p := range c.products {
		if p.Name == product {
			return p
		}
	}
	return &Product{}
}

// parseSpec reads exactly one document, strictly.
func parseSpec(data []byte) (productSpec, error) {
	var spec productSpec
	if len(data) > longestCatalogue {
		return spec, fmt.Errorf("it is larger than %d bytes", longestCatalogue)
	}
	root, err := document.Root(data)
	switch {
	case errors.Is(err, document.ErrSeveral):
		return spec, fmt.Errorf("%w; write one file for each product", err)
	case err != nil:
		return spec, err
	}
	if isLegacy(root) {
		return parseLegacy(root)
	}
	if err := checkKeys(root, reflect.TypeOf(spec), "the file"); err != nil {
		return spec, err
	}
	return spec, root.Decode(&spec)
}

// over lays s over an older spec of the same product.
func (s productSpec) over(old productSpec) productSpec {
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
