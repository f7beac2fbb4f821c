package discovery

import (
	"context"
	"errors"
	"fmt"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// mostVersions is how many versions of a chart are looked into, the newest first, for the one that
// belongs to a release.
const mostVersions = 20

// Charts are those of a release, but for optional ones.
func (l *Looker) Charts(ctx context.Context, release string) ([]*chart.Chart, error) {
	all, _, err := l.charts(ctx, release)
	return all, err
}

// charts is Charts, and the tags, by the charts' names, of those whose own version is not the
// release's: what they say that they run tells which is which.
func (l *Looker) charts(ctx context.Context, release string) (all []*chart.Chart, tags map[string]string, err error) {
	asked := learning.ChartsOf(l.Product, release)
	holder := l.holder(asked)
	tags = map[string]string{}
	for _, c := range asked {
		if c.Optional {
			continue
		}
		packed, err := l.chartOf(ctx, c, release, holder)
		if err != nil {
			return nil, nil, fmt.Errorf("looking into the chart of %s: %w", release, err)
		}
		if c.Tag == "" {
			tags[c.Name] = chart.Tag(packed.Version())
		}
		all = append(all, packed)
	}
	return all, tags, nil
}

func (l *Looker) chartOf(ctx context.Context, c versions.Chart, release string, holder holderOf) (*chart.Chart, error) {
	undetermined := &learning.UndeterminedError{Release: release, Err: fmt.Errorf("nothing says which version of the chart %s it has", c.Name)}
	if c.Tag == "" && c.Repository == "" {
		return nil, undetermined
	}
	from, repository, err := holder(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Tag != "" {
		return chart.Fetch(ctx, from, repository, c.Tag)
	}
	all, err := from.Tags(ctx, repository)
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return nil, err
	}
	all = chart.NewestFirst(all)
	for _, tag := range all[:min(len(all), mostVersions)] {
		packed, err := chart.Fetch(ctx, from, repository, tag)
		if err != nil {
			return nil, err
		}
		if releasename.Same(packed.AppVersion(), release) {
			return packed, nil
		}
	}
	undetermined.Err = fmt.Errorf("no chart in %s says that it is for %s: %s looked at", repository, release, english.Plural(min(len(all), mostVersions), "version", ""))
	return nil, undetermined
}

// holderOf says what holds a chart: a registry, and the repository there.
type holderOf func(context.Context, versions.Chart) (registry.Source, string, error)

// holder is where the Looker looks for charts.
func (l *Looker) holder(asked []versions.Chart) holderOf {
	if l.mirror {
		return func(ctx context.Context, c versions.Chart) (registry.Source, string, error) {
			client, err := l.Clients.Target(ctx, false)
			return client, relocate.TargetOf(l.Config.Registry, l.Product).Reference(c.Place(), "").Repository, err
		}
	}
	var taken []versions.Artifact
	for _, c := range asked {
		if c.Tag != "" {
			taken = append(taken, l.Selection().Taken(l.Product, versions.RoleChart, c.Location))
		}
	}
	sources := l.SourcesOf(l.artifacts(taken...))
	return func(ctx context.Context, c versions.Chart) (registry.Source, string, error) {
		at := l.Selection().SourceOf(c.Location)
		from, err := sources.Open(ctx, at.Host)
		return from, at.Repository, err
	}
}
