package charts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// ChartName says which chart is meant that no catalogue knows.
type ChartName struct {
	// Name is oci://HOST/PATH[:VERSION], a packed chart's file, a folder or, with Repository, the
	// name of a chart there.
	Name string
	// Repository is the address of a classic repository; empty is none.
	Repository string
	// Version is the chart's; empty is the newest that is no preview.
	Version string
}

// scheme marks a chart in a registry, as helm writes it.
const scheme = "oci://"

// foundChart is a chart with where it comes from.
type foundChart struct {
	*chart.Chart
	// Source is its place in a registry, or that which a copy takes it from.
	Source ref.Reference
	// Digest is its manifest's in a registry; empty where it comes from elsewhere.
	Digest string
}

// localCharts is the host of charts that come from no registry, in references.
const localCharts = "file.invalid"

// openChart finds a chart and reads it.
func openChart(ctx context.Context, s *relocate.Session, name ChartName) (*foundChart, error) {
	reference, stored := strings.CutPrefix(name.Name, scheme)
	switch {
	case stored && name.Repository != "":
		return nil, exit.Usagef("%s names a registry already: it does not go with a repository", name.Name)
	case stored:
		return storedChart(ctx, s, reference, name.Version)
	case name.Repository != "":
		return repositoryChart(ctx, s, name)
	case name.Version != "":
		return nil, exit.Usagef("a version is for charts in a registry or a repository, and %s is a file", name.Name)
	}
	found, err := chart.Open(name.Name)
	if _, wrong := ref.Parse(name.Name); wrong == nil && errors.Is(err, fs.ErrNotExist) {
		return nil, exit.Usagef("%w", err).WithHint("a chart in a registry is %s%s", scheme, name.Name)
	}
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	at := ref.Reference{Host: localCharts, Repository: found.Name(), Tag: chart.Tag(found.Version())}
	return &foundChart{Chart: found, Source: at}, nil
}

// storedChart reads a chart from a registry. Without a version it takes the newest tag.
func storedChart(ctx context.Context, s *relocate.Session, name, version string) (*foundChart, error) {
	at, err := ref.Parse(name)
	if err != nil {
		return nil, &exit.UsageError{Err: fmt.Errorf("chart %s%s: %w", scheme, name, err)}
	}
	if version != "" && at.Tag != "" && at.Tag != chart.Tag(version) {
		return nil, exit.Usagef("%s%s and version %s are two different charts", scheme, name, version)
	}
	client, err := s.Clients.Source(ctx, at.Host, at.Host)
	if err != nil {
		return nil, err
	}
	if at.Tag == "" && at.Digest == "" {
		if at.Tag = chart.Tag(version); version == "" {
			if at.Tag, err = newestTag(ctx, client, at); err != nil {
				return nil, err
			}
		}
	}
	described, err := client.Resolve(ctx, at.Repository, cmp.Or(at.Digest, at.Tag))
	if err != nil {
		return nil, err
	}
	found, err := chart.Fetch(ctx, client, at.Repository, described.Digest.String())
	if err != nil {
		return nil, err
	}
	if at.Tag == "" {
		at.Tag = chart.Tag(found.Version())
	}
	return &foundChart{Chart: found, Source: at, Digest: described.Digest.String()}, nil
}

// newestTag is the tag of the newest version of a chart that is no preview.
func newestTag(ctx context.Context, client *remote.Client, at ref.Reference) (string, error) {
	tags, err := client.Tags(ctx, at.Repository)
	if err != nil {
		return "", err
	}
	newest := chart.NewestVersion(tags)
	if newest == "" {
		return "", &registry.Error{Op: "looking for the newest version of", Side: registry.SideSource, Host: at.Host, Ref: at.String(), Err: registry.ErrNotFound}
	}
	return newest, nil
}

// repositoryChart reads a chart from a classic repository.
func repositoryChart(ctx context.Context, s *relocate.Session, name ChartName) (*foundChart, error) {
	at, err := ref.ParseHelmRepository(name.Repository)
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	charts, err := s.Clients.Charts(ctx, at, at.Host)
	if err != nil {
		return nil, err
	}
	found, err := charts.Fetch(ctx, name.Name, name.Version)
	if err != nil {
		return nil, err
	}
	return &foundChart{Chart: found, Source: inRepository(at, found)}, nil
}

// inRepository is a chart's place in a classic repository, as a reference.
func inRepository(at *url.URL, found *chart.Chart) ref.Reference {
	folder := strings.ToLower(strings.Trim(path.Clean("/"+at.Path), "/"))
	return ref.Folder{Host: at.Host, Path: folder}.Reference(found.Name(), chart.Tag(found.Version()))
}
