package chart

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	helmregistry "helm.sh/helm/v3/pkg/registry"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Packed is a chart as an OCI artifact of our own making.
type Packed struct {
	Manifest oci.Manifest
	// Config and Archive are what the manifest links to; the archive is the chart's, byte for byte.
	Config, Archive []byte
}

// The annotations of a manifest that Pack sets, and those that say what it was made from.
const (
	annotationTitle   = "org.opencontainers.image.title"
	annotationVersion = "org.opencontainers.image.version"
	// AnnotationBaseName and AnnotationBaseDigest are the reference and the digest of what an
	// artifact was made from.
	AnnotationBaseName   = "org.opencontainers.image.base.name"
	AnnotationBaseDigest = "org.opencontainers.image.base.digest"
)

// Pack makes an OCI artifact of a chart, as helm stores charts in registries. It is the same
// for the same archive and annotations, whenever and wherever it is made: nothing in it tells
// the time.
func (c *Chart) Pack(annotations map[string]string) (*Packed, error) {
	config, err := json.Marshal(c.meta)
	if err != nil {
		return nil, err
	}
	configured, err := described(types.MediaType(helmregistry.ConfigMediaType), config)
	if err != nil {
		return nil, err
	}
	layer, err := described(types.MediaType(helmregistry.ChartLayerMediaType), c.archive)
	if err != nil {
		return nil, err
	}
	all := map[string]string{annotationTitle: c.Name(), annotationVersion: c.Version()}
	for key, value := range annotations {
		all[key] = value
	}
	body, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1,
		Config: configured, Layers: []v1.Descriptor{layer}, Annotations: all,
	})
	if err != nil {
		return nil, err
	}
	manifest, err := oci.New(types.OCIManifestSchema1, body)
	return &Packed{Manifest: manifest, Config: config, Archive: c.archive}, err
}

func described(mediaType types.MediaType, content []byte) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, err
}

// NewestVersion is the newest of some tags that are versions of charts, previews only where
// there is nothing else; empty where none is one.
func NewestVersion(tags []string) string {
	newest, found := "", (*semver.Version)(nil)
	for _, tag := range tags {
		version, err := semver.NewVersion(strings.ReplaceAll(tag, "_", "+"))
		if err != nil {
			continue
		}
		stable, isStable := version.Prerelease() == "", found != nil && found.Prerelease() == ""
		if found == nil || stable && !isStable || stable == isStable && version.GreaterThan(found) {
			newest, found = tag, version
		}
	}
	return newest
}

// NewestFirst are those of tags that are versions, the newest first.
func NewestFirst(tags []string) []string {
	parsed := map[string]*semver.Version{}
	for _, tag := range tags {
		if version, err := semver.NewVersion(strings.ReplaceAll(tag, "_", "+")); err == nil {
			parsed[tag] = version
		}
	}
	return slices.SortedFunc(maps.Keys(parsed), func(a, b string) int {
		return cmp.Or(parsed[b].Compare(parsed[a]), strings.Compare(a, b))
	})
}

// Tag is the tag under which helm looks for a chart of a version: a tag has no "+".
func Tag(version string) string { return strings.ReplaceAll(version, "+", "_") }
