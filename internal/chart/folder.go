package chart

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"os"
	"slices"

	"helm.sh/helm/v3/pkg/action"
	helmchart "helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
)

// Open reads a chart from a file, as ReadFile does, or from an unpacked chart's folder.
func Open(path string) (*Chart, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return ReadFile(path)
	}
	chart, err := readFolder(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return chart, nil
}

// readFolder packs an unpacked chart, without what its .helmignore names. The archive is the
// same for the same files. The charts that it depends on have to lie in its charts/ folder.
func readFolder(path string) (*Chart, error) {
	loaded, err := loader.LoadDir(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAChart, err)
	}
	if err := action.CheckDependencies(loaded, loaded.Metadata.Dependencies); err != nil {
		return nil, fmt.Errorf("%w: fetch what it depends on with `helm dependency build`", err)
	}
	archive, err := packFiles(loaded.Name(), loaded.Raw)
	if err != nil {
		return nil, err
	}
	return Parse(archive)
}

// packFiles makes the archive of a chart of its files, sorted and without times or owners.
func packFiles(name string, files []*helmchart.File) ([]byte, error) {
	sorted := slices.SortedFunc(slices.Values(files), func(a, b *helmchart.File) int { return cmp.Compare(a.Name, b.Name) })
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	out := tar.NewWriter(zipped)
	for _, file := range sorted {
		header := &tar.Header{Name: name + "/" + file.Name, Mode: 0o644, Size: int64(len(file.Data)), Format: tar.FormatPAX}
		if err := out.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := out.Write(file.Data); err != nil {
			return nil, err
		}
	}
	err := cmp.Or(out.Close(), zipped.Close())
	return packed.Bytes(), err
}
