package families

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// noiseLayer is a v1.Layer that is made anew each time it is read.
type noiseLayer struct {
	name           string
	size           int64
	digest, diffID v1.Hash
	length         int64
}

// measure finds out digests and length.
func (l *noiseLayer) measure() error {
	var err error
	content := l.content()
	defer content.Close()
	if l.digest, l.length, err = v1.SHA256(content); err != nil {
		return err
	}
	hash := sha256.New()
	if err := writeTar(hash, l.name, l.size); err != nil {
		return err
	}
	l.diffID = v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", hash.Sum(nil))}
	return nil
}

func (l *noiseLayer) content() io.ReadCloser { return layerContent(l.name, l.size) }

// Digest implements v1.Layer, as do the methods below.
func (l *noiseLayer) Digest() (v1.Hash, error) { return l.digest, nil }

// DiffID is the digest of the uncompressed tar.
func (l *noiseLayer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Compressed is the layer's content.
func (l *noiseLayer) Compressed() (io.ReadCloser, error) { return l.content(), nil }

// Uncompressed is not asked for.
func (l *noiseLayer) Uncompressed() (io.ReadCloser, error) { return nil, errors.ErrUnsupported }

// Size is that of the content.
func (l *noiseLayer) Size() (int64, error) { return l.length, nil }

// MediaType is that of a gzipped layer.
func (l *noiseLayer) MediaType() (types.MediaType, error) {
	if l.name == "chart" {
		return "application/vnd.cncf.helm.chart.content.v1.tar+gzip", nil
	}
	return types.OCILayer, nil
}
