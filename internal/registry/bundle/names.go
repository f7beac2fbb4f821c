package bundle

import (
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The files of a bundle beside its blobs, in the order in which they are written.
const (
	layoutName    = "oci-layout"
	indexName     = "index.json"
	dockerName    = "manifest.json"
	lockName      = "pgrelocate.lock.json"
	signatureName = "pgrelocate.lock.json.minisig"
	blobsFolder   = "blobs"
)

// The annotations by which other tools find a reference in index.json. Both hold the
// source's full reference: tags alone would clash, since chart and operator share theirs.
const (
	refNameAnnotation    = "org.opencontainers.image.ref.name"
	containerdAnnotation = "io.containerd.image.name"
)

const layoutBody = `{"imageLayoutVersion":"1.0.0"}`

func blobName(digest v1.Hash) string {
	return path.Join(blobsFolder, digest.Algorithm, digest.Hex)
}

// digestOf is the digest that a file's name stands for.
func digestOf(name string) (v1.Hash, bool) {
	rest, ok := strings.CutPrefix(name, blobsFolder+"/")
	if !ok {
		return v1.Hash{}, false
	}
	algorithm, hex, ok := strings.Cut(rest, "/")
	if !ok {
		return v1.Hash{}, false
	}
	digest, err := v1.NewHash(algorithm + ":" + hex)
	return digest, err == nil
}
