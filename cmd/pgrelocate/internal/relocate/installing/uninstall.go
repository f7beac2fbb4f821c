package installing

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// Removed is what was uninstalled.
type Removed struct {
	*install.Removal
	// Others are what was installed beside the operator's chart, in the order in which it went.
	Others []*install.Removal
}

// Uninstall removes the operator and its pull secrets, and keeps the databases. Of the options
// Force and Timeout count; the others are filled in.
func Uninstall(ctx context.Context, s *relocate.Session, place reaching.Destination, opts install.UninstallOptions) (*Removed, error) {
	product, err := s.Product()
	if err != nil {
		return nil, err
	}
	place = place.Of(product)
	if opts.Cluster, err = reaching.Connect(ctx, s, place); err != nil {
		return nil, err
	}
	opts.Product, opts.HelmRelease, opts.Namespace = product, place.HelmRelease, place.Namespace
	others, err := uninstallOthers(ctx, opts)
	if err != nil {
		return nil, err
	}
	removal, err := install.Uninstall(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &Removed{Removal: removal, Others: others}, nil
}
