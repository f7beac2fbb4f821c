package copying

import (
	"context"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// newer is the newest release of which tags tell that were listed already, where it is newer than
// all that the catalogue knows; empty where there is none, or nothing was listed. It sends nothing.
func (c *Copying) newer(ctx context.Context) string {
	l, err := discovery.NewLooker(c.Session)
	if err != nil {
		return ""
	}
	owner := relocate.OwnerOfCredentials(c.Config, c.Artifacts)
	for _, telling := range learning.TellingOf(l.Product) {
		at := l.Selection().SourceOf(telling.Location)
		if !slices.ContainsFunc(c.Artifacts, func(a versions.Artifact) bool { return a.Source.Name() == at.Name() }) {
			continue // its client is not there
		}
		client, err := c.Clients.Source(ctx, at.Host, owner)
		if err != nil {
			continue
		}
		if tags, listed := client.Listed(at.Repository); listed {
			l.Tags[telling.Key()] = tags
		}
	}
	name := discovery.NewestName(learning.ReleasesIn(l.Product, l.Tags))
	if name == "" || releasename.Compare(name, l.Product.Newest().Name) <= 0 {
		return ""
	}
	return name
}
