package chart

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"io"
	"path"
	"strings"

	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"sigs.k8s.io/yaml"
)

// maxMetadata bounds a Chart.yaml, which holds annotations but no data.
const maxMetadata = 1 << 20

// readMetadata reads the Chart.yaml of a packed chart. It goes through the whole archive, so
// that one that is damaged is found here, and keeps nothing of the rest.
func readMetadata(archive io.Reader) (*helmchart.Metadata, error) {
	unzipped, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	defer unzipped.Close()
	var found []byte
	bounded := &io.LimitedReader{R: unzipped, N: loader.MaxDecompressedChartSize + 1}
	for files := tar.NewReader(bounded); ; {
		header, err := files.Next()
		if bounded.N == 0 {
			return nil, errors.New("it unpacks to more than helm reads")
		}
		if errors.Is(err, io.EOF) {
			return parseMetadata(found)
		}
		if err != nil {
			return nil, err
		}
		if !isTop(header.Name, chartutil.ChartfileName) {
			continue
		}
		if found, err = io.ReadAll(io.LimitReader(files, maxMetadata+1)); err != nil {
			return nil, err
		}
	}
}

// isTop tells whether an archive's file is the chart's own of that name, and no subchart's.
func isTop(file, name string) bool {
	folder, base := path.Split(path.Clean(file))
	return base == name && folder != "" && !strings.Contains(strings.TrimSuffix(folder, "/"), "/")
}

func parseMetadata(text []byte) (*helmchart.Metadata, error) {
	switch {
	case text == nil:
		return nil, errors.New("it has no Chart.yaml")
	case len(text) > maxMetadata:
		return nil, errors.New("its Chart.yaml is larger than any")
	}
	meta := new(helmchart.Metadata)
	if err := yaml.Unmarshal(text, meta); err != nil {
		return nil, err
	}
	if meta.APIVersion == "" { // as charts for Helm 2 are, which helm reads as well
		meta.APIVersion = helmchart.APIVersionV1
	}
	return meta, meta.Validate()
}
