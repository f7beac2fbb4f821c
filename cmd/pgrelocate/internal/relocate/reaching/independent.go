package reaching

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install/independence"
)

// Independent lists what in the cluster names a registry of somebody else: one that everybody uses, or
// one of a product of the catalogue. The private registry does not count, where one is named.
func Independent(ctx context.Context, s *relocate.Session, place Destination) (*independence.Findings, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	reached, err := Connect(ctx, s, place)
	if err != nil {
		return nil, err
	}
	opts := independence.Options{Cluster: reached, Ours: s.Config.Registry}
	for _, product := range catalogue.Products() {
		for _, release := range product.Releases {
			for _, location := range release.Locations() {
				opts.Hosts = append(opts.Hosts, location.Registry.Host)
			}
		}
	}
	return independence.Look(ctx, opts)
}
