package reaching

import (
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install/inuse"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
)

// InUse asks the cluster which images it refers to, and tells what the cluster is called. Kinds of all
// products count, for a cluster may have several.
func InUse(ctx context.Context, s *relocate.Session, place Destination) (images *inuse.Usage, host string, err error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, "", err
	}
	reached, err := Connect(ctx, s, place)
	if err != nil {
		return nil, "", err
	}
	referring, choices := traits.Referring(catalogue)
	images, err = inuse.Find(ctx, reached, inuse.Kinds{Referring: referring, Choices: choices})
	return images, reached.Host(), err
}
