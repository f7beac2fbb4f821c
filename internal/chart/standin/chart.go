package standin

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"text/template"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"helm.sh/helm/v3/pkg/chart/loader"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

// The chart's files. What stands in [[ ]] is filled in here, what stands in {{ }} is for
// Helm.
//
//go:embed files
var chartFiles embed.FS

// facts are what the chart's files are filled with.
type facts struct {
	Chart, ChartVersion string
	OperatorImage       string
	// InstanceRepository is empty where one image serves all versions; InstanceImage is
	// empty where it does not.
	InstanceRepository, InstanceImage string
	Versions                          []postgresVersion
}

// postgresVersion is one custom resource.
type postgresVersion struct {
	Name    string
	Version postgres.Version
	// Image is Helm's template of the instance image.
	Image string
}

// newChart packs the release's chart as an OCI artifact.
func newChart(opts Options, release *versions.Release, a versions.Artifact) (v1.Image, error) {
	archive, err := pack(path.Base(a.Source.Repository), opts.CRDsInTemplates, gather(release, a))
	if err != nil {
		return nil, err
	}
	return wrap(archive)
}

// gather collects what the chart says about a release. The values' defaults name the
// vendor's registry, as the vendor's do, wherever the stand-in is pushed.
func gather(release *versions.Release, a versions.Artifact) facts {
	f := facts{Chart: path.Base(a.Source.Repository), ChartVersion: a.Source.Tag}
	if operator := release.Operator(); operator != nil {
		f.OperatorImage = operator.Vendor().String()
	}
	value := instanceValue(release)
	for _, i := range release.Instances() {
		source := i.Vendor()
		image := "{{ .Values." + value.At + " }}"
		if !value.IsWhole() {
			f.InstanceRepository = source.Name()
			image += ":" + i.Tag
		} else {
			f.InstanceImage = source.String()
		}
		f.Versions = append(f.Versions, postgresVersion{Name: i.Called, Version: i.Version, Image: image})
	}
	return f
}

// instanceValue is the chart's value that names the instance images.
func instanceValue(release *versions.Release) versions.Value {
	for _, v := range release.Values() {
		if slices.Contains(v.Images(), string(versions.RoleInstance)) {
			return v
		}
	}
	return versions.Value{}
}

// pack makes the chart's archive and has Helm check it.
func pack(name string, crdsInTemplates bool, f facts) ([]byte, error) {
	var out bytes.Buffer
	zipped, _ := gzip.NewWriterLevel(&out, gzip.NoCompression) // the level is a valid one
	archive := tar.NewWriter(zipped)
	err := fs.WalkDir(chartFiles, "files", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fill(file, f)
		if err != nil {
			return err
		}
		inChart := strings.TrimPrefix(file, "files/")
		if crdsInTemplates {
			inChart = strings.Replace(inChart, "crds/", "templates/crd-", 1)
		}
		return add(archive, name+"/"+inChart, content)
	})
	if err != nil {
		return nil, err
	}
	if err := archive.Close(); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// fill fills one file's [[ ]].
func fill(file string, f facts) ([]byte, error) {
	text, err := chartFiles.ReadFile(file)
	if err != nil {
		return nil, err
	}
	t, err := template.New(file).Delims("[[", "]]").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, f); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func add(archive *tar.Writer, name string, content []byte) error {
	header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(content)), ModTime: epoch}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

// wrap makes of a chart's archive what `helm push` makes of it.
func wrap(archive []byte) (v1.Image, error) {
	loaded, err := loader.LoadArchive(bytes.NewReader(archive))
	if err != nil {
		return nil, fmt.Errorf("the chart: %w", err)
	}
	if err := loaded.Validate(); err != nil {
		return nil, fmt.Errorf("the chart: %w", err)
	}
	config, err := json.Marshal(loaded.Metadata)
	if err != nil {
		return nil, err
	}
	c := &chartArtifact{config: config, layer: static.NewLayer(archive, helmregistry.ChartLayerMediaType)}
	if c.manifest, err = c.describe(map[string]string{
		"org.opencontainers.image.title":       loaded.Metadata.Name,
		"org.opencontainers.image.version":     loaded.Metadata.Version,
		"org.opencontainers.image.description": loaded.Metadata.Description,
	}); err != nil {
		return nil, err
	}
	return partial.CompressedToImage(c)
}

// chartArtifact is a manifest with a config and one layer.
type chartArtifact struct {
	config, manifest []byte
	layer            v1.Layer
}

func (c *chartArtifact) describe(annotations map[string]string) ([]byte, error) {
	config, err := partial.Descriptor(static.NewLayer(c.config, helmregistry.ConfigMediaType))
	if err != nil {
		return nil, err
	}
	layer, err := partial.Descriptor(c.layer)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        *config,
		Layers:        []v1.Descriptor{*layer},
		Annotations:   annotations,
	})
}

// The methods of partial.CompressedImageCore.

func (c *chartArtifact) RawConfigFile() ([]byte, error) { return c.config, nil }

func (c *chartArtifact) RawManifest() ([]byte, error) { return c.manifest, nil }

func (c *chartArtifact) MediaType() (types.MediaType, error) { return types.OCIManifestSchema1, nil }

func (c *chartArtifact) LayerByDigest(v1.Hash) (partial.CompressedLayer, error) { return c.layer, nil }
