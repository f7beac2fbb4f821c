// Package packed holds charts as a registry would, for those that come from a file, a folder or
// a classic repository: New(nil).Add(…) makes a registry.Source that plans, copies and bundles
// read like any other.
package packed

import (
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/memory"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Source serves charts from memory, and what it does not hold from another source. Use New. It is
// safe for concurrent use.
type Source struct{ *memory.Source }

var _ registry.Source = (*Source)(nil)

// New returns a source without charts. beyond is asked for repositories that hold none; nil
// is nobody.
func New(beyond registry.Source) *Source { return &Source{memory.New(beyond)} }

// Add puts a chart into a repository, under the tag that helm gives its version, and returns
// its manifest's descriptor. The same chart has the same digest every time.
func (s *Source) Add(repository string, c *chart.Chart, annotations map[string]string) (v1.Descriptor, error) {
	p, err := c.Pack(annotations)
	if err != nil {
		return v1.Descriptor{}, err
	}
	links, err := oci.Parse(p.Manifest)
	if err != nil {
		return v1.Descriptor{}, err
	}
	s.Source.Add(repository, chart.Tag(c.Version()), p.Manifest, nil, map[v1.Hash][]byte{
		links.Config.Digest: p.Config, links.Layers[0].Digest: p.Archive,
	})
	return p.Manifest.Descriptor, nil
}
