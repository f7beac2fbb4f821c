package compile

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

// classic is the location of a chart in a classic Helm repository. A registry cannot hold a plus
// in a tag: as helm does, an underscore stands for it.
func classic(spec schema.Chart, version string) (versions.Location, error) {
	at, err := ref.ParseHelmRepository(spec.URL)
	if err != nil {
		return versions.Location{}, fmt.Errorf("url: %w", err)
	}
	folder, err := ref.ParseFolder(at.Host + strings.TrimSuffix(at.Path, "/"))
	if err != nil {
		return versions.Location{}, fmt.Errorf("url: %w", err)
	}
	if spec.Chart == "" {
		return versions.Location{}, errors.New("chart: the chart's name in the repository is missing")
	}
	if err := ref.CheckRepository("", spec.Chart); err != nil || strings.Contains(spec.Chart, "/") {
		return versions.Location{}, fmt.Errorf("chart: %s is no name of a chart", ref.Quote(spec.Chart))
	}
	l := versions.Location{
		Registry: folder, Repository: spec.Chart, Tag: strings.ReplaceAll(version, "+", "_"),
		As: cmp.Or(spec.As, "charts/"+spec.Chart), URL: strings.TrimSuffix(spec.URL, "/"),
	}
	if version == "" {
		return l, nil
	}
	return l, cmp.Or(complete(l.Tag), ref.CheckTag(l.Tag))
}
