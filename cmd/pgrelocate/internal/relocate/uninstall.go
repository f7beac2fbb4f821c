package relocate

import (
	"context"

	"github.com/pgrelocate/pgrelocate/internal/install"
)

// Uninstall removes the operator and its pull secrets, and keeps the databases. Of the options
// Force and Timeout count; the others are filled in.
func (s *Session) Uninstall(ctx context.Context, place Place, opts install.UninstallOptions) (*install.Removal, error) {
	product, err := s.Product()
	if err != nil {
		return nil, err
	}
	place = place.of(product)
	if opts.Cluster, err = s.Connect(ctx, place); err != nil {
		return nil, err
	}
	opts.Product, opts.HelmRelease, opts.Namespace = product, place.HelmRelease, place.Namespace
	return install.Uninstall(ctx, opts)
}
