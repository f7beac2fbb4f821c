package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/imagelayout"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// The media types of a Helm chart in a registry.
const (
	HelmConfig  types.MediaType = "application/vnd.cncf.helm.config.v1+json"
	helmContent types.MediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
)

const (
	chartFile = "Chart.yaml"
	maxChart  = 20 << 20 // what Helm itself would read
	// YAML of a few megabytes can become hundreds of them in memory.
	maxChartFile = 256 << 10
	maxCharts    = 16
)

// addCharts adds the charts of a download as artifacts, as "helm push" would.
func (all *collector) addCharts(ctx context.Context, members []member) error {
	charts := 0
	for _, m := range members {
		var packed []byte
		var err error
		switch {
		case slices.Contains(strings.Split(m.name, "/"), "charts"):
			continue // the chart's own subcharts
		case path.Ext(m.name) == ".tgz":
			packed, err = ReadSmall(m, maxChart)
		case path.Base(m.name) == chartFile:
			packed, err = packChart(path.Dir(m.name), members)
		default:
			continue
		}
		if charts++; charts > maxCharts {
			return fmt.Errorf("more than %d charts", maxCharts)
		}
		if err == nil {
			err = all.addChart(ctx, packed)
		}
		if err != nil {
			return fmt.Errorf("chart %s: %w", m.name, err)
		}
	}
	return nil
}

func (all *collector) addChart(ctx context.Context, packed []byte) error {
	metadata, err := chartMetadata(ctx, packed)
	if err != nil {
		return err
	}
	name, _ := metadata["name"].(string)
	version, _ := metadata["version"].(string)
	if name == "" || version == "" {
		return errors.New("its Chart.yaml has no name or no version")
	}
	config, err := json.Marshal(metadata)
	if err != nil {
		return err
	}
	manifest := v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1}
	manifest.Config = all.addBody(HelmConfig, config)
	manifest.Layers = []v1.Descriptor{all.addBody(helmContent, packed)}
	// Tags take no plus: Helm writes an underscore, and reads it back.
	tag := strings.ReplaceAll(version, "+", "_")
	if _, err := ref.Parse("registry.invalid/" + name + ":" + tag); err != nil {
		return fmt.Errorf("its Chart.yaml calls it %q, version %q, which no registry can: %w", name, version, err)
	}
	all.addManifest(manifest, nil, all.beside(name)+":"+tag)
	return nil
}

// beside is the name of a repository where the images come from.
func (all *collector) beside(name string) string {
	for _, d := range all.index.Manifests {
		if source, ok := imagelayout.Reference(d); ok {
			return strings.TrimSuffix(source.Name(), path.Base(source.Repository)) + name
		}
	}
	return name
}

// chartMetadata is the Chart.yaml of a packed chart.
func chartMetadata(ctx context.Context, packed []byte) (map[string]any, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	t := tar.NewReader(io.LimitReader(files.Until(ctx, z), 10*maxChart))
	for {
		h, err := t.Next()
		if err != nil {
			return nil, fmt.Errorf("no %s: %w", chartFile, err)
		}
		if path.Base(h.Name) != chartFile || strings.Count(path.Clean(h.Name), "/") != 1 {
			continue
		}
		body, err := readChartFile(t)
		if err != nil {
			return nil, err
		}
		var metadata map[string]any
		return metadata, yaml.Unmarshal(body, &metadata)
	}
}

func readChartFile(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, maxChartFile+1))
	if err == nil && len(body) > maxChartFile {
		err = fmt.Errorf("more than %d bytes in %s", maxChartFile, chartFile)
	}
	return body, err
}

// packChart packs an unpacked chart; the same files give the same bytes.
func packChart(folder string, members []member) ([]byte, error) {
	var files []member
	for _, m := range members {
		if strings.HasPrefix(m.name, folder+"/") && m.link == "" {
			files = append(files, m)
		}
	}
	slices.SortFunc(files, func(a, b member) int { return strings.Compare(a.name, b.name) })
	name, err := chartName(folder, files)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	total := int64(0)
	for _, m := range files {
		if total += m.size; total > maxChart {
			return nil, fmt.Errorf("more than %d bytes", maxChart)
		}
		body, err := ReadSmall(m, maxChart)
		if err != nil {
			return nil, err
		}
		h := &tar.Header{Name: name + strings.TrimPrefix(m.name, folder), Size: m.size, Mode: 0o644, ModTime: time.Unix(0, 0)}
		if err := t.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := t.Write(body); err != nil {
			return nil, err
		}
	}
	err = errors.Join(t.Close(), z.Close())
	return b.Bytes(), err
}

// chartName is the folder that Helm expects a packed chart in.
func chartName(folder string, files []member) (string, error) {
	for _, m := range files {
		if m.name != path.Join(folder, chartFile) {
			continue
		}
		body, err := ReadSmall(m, maxChartFile)
		if err != nil {
			return "", err
		}
		var metadata struct{ Name string }
		if err := yaml.Unmarshal(body, &metadata); err != nil {
			return "", err
		}
		return cleanName(metadata.Name)
	}
	return "", errors.New("no " + chartFile)
}
