// Package catalogue reads what can be relocated: Builtin is what the program carries, one file a
// product, Load lays users' own files over it, and Merge one more.
package catalogue

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/compile"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

//go:embed *.yaml
var builtinFiles embed.FS

var builtin = sync.OnceValues(func() (*versions.Catalogue, error) {
	c := &versions.Catalogue{}
	entries, err := fs.Glob(builtinFiles, "*.yaml")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		data, err := builtinFiles.ReadFile(entry)
		if err != nil {
			return nil, err
		}
		if c, err = Merge(c, entry, data); err != nil {
			return nil, err
		}
	}
	return c, nil
})

// Builtin is the catalogue that the program carries. A fault in its data is a fault of
// the build, found by this package's tests, and panics.
func Builtin() *versions.Catalogue {
	c, err := builtin()
	if err != nil {
		panic(err)
	}
	return c
}

// Load is the built-in catalogue with users' own files merged over it, in the order
// given. Without paths it is Builtin.
func Load(paths ...string) (*versions.Catalogue, error) {
	c := Builtin()
	for _, path := range paths {
		data, err := readCatalogue(path)
		if err != nil {
			return nil, err
		}
		if c, err = Merge(c, path, data); err != nil {
			return nil, err
		}
	}
	return c, nil
}

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
	data, err := io.ReadAll(io.LimitReader(f, schema.Longest+1))
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	return data, nil
}

// Merge returns a catalogue with one more file: a new product, or more about one that is there
// already; schema.Merged says what takes the place of what. The catalogue stays as it is. File
// stands in errors only.
func Merge(c *versions.Catalogue, file string, data []byte) (*versions.Catalogue, error) {
	merged, err := merge(c, file, data)
	if err != nil {
		return nil, fmt.Errorf("catalogue %s: %w", file, err)
	}
	return merged, nil
}

func merge(c *versions.Catalogue, file string, data []byte) (*versions.Catalogue, error) {
	spec, err := schema.Parse(data)
	if err != nil {
		return nil, err
	}
	product, err := compile.Product(known(c, spec.Product).With(file, data, spec))
	if err != nil {
		return nil, err
	}
	return c.With(product), nil
}

// known is what a catalogue says of a product; nothing where it has none of that name.
func known(c *versions.Catalogue, product string) schema.Merged {
	for _, p := range c.Products() {
		if p.Name == product {
			return p.Spec
		}
	}
	return schema.Merged{}
}
