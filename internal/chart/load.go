package chart

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// MaxArchive bounds a packed chart. Helm stores charts in Secrets of at most 1 MiB, so
// that anything near this is not a chart.
const MaxArchive = 32 << 20

// ErrNotAChart says that content which was expected to be a Helm chart is something else.
var ErrNotAChart = errors.New("not a Helm chart")

// Chart is a Helm chart. It keeps the archive it came as, for rendering alters a loaded
// chart. The zero value is no chart; it is safe for concurrent use.
type Chart struct {
	archive []byte
	meta    helmchart.Metadata
}

// Parse reads a packed chart, the content of a .tgz file. Only its Chart.yaml is looked at: the
// rest is read where it is rendered, in confinement. Errors wrap ErrNotAChart.
func Parse(archive []byte) (*Chart, error) {
	if len(archive) > MaxArchive {
		return nil, fmt.Errorf("%w: %d bytes are more than a chart can have", ErrNotAChart, len(archive))
	}
	meta, err := readMetadata(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAChart, err)
	}
	return &Chart{archive: archive, meta: *meta}, nil
}

// ReadFile reads a packed chart from a file.
func ReadFile(path string) (*Chart, error) {
	if err := files.CheckRegular(path); err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fmt.Errorf("%s is a directory: pack it first with `helm package %s`", path, path)
	}
	archive, err := io.ReadAll(io.LimitReader(file, MaxArchive+1))
	if err != nil {
		return nil, err
	}
	chart, err := Parse(archive)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return chart, nil
}

// load gives a fresh copy for helm to work on.
func load(archive []byte) (*helmchart.Chart, error) {
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAChart, err)
	}
	if err := loaded.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAChart, err)
	}
	// Helm's commands look, and its library does not: without them it would render a part of the chart.
	if err := action.CheckDependencies(loaded, loaded.Metadata.Dependencies); err != nil {
		return nil, fmt.Errorf("it was packed without charts that it depends on: %w", err)
	}
	return loaded, nil
}

// Name is the chart's name, "vmware-sql-postgres-operator".
func (c *Chart) Name() string { return c.meta.Name }

// Version is the chart's version as its Chart.yaml has it, "v4.3.1".
func (c *Chart) Version() string { return c.meta.Version }

// AppVersion is the version of what the chart runs; it may be empty.
func (c *Chart) AppVersion() string { return c.meta.AppVersion }

// Archive is the packed chart, byte for byte as it was read. The caller must not alter it.
func (c *Chart) Archive() []byte { return c.archive }

// Helm returns the chart for helm's own actions, a fresh copy at each call because those
// actions alter it. It is read whole: render the chart first, so that it is known to be harmless.
func (c *Chart) Helm() (*helmchart.Chart, error) { return load(c.archive) }
