// Package imagelayout is the shape of an OCI image layout, the format of a bundle: what its
// files are called, and how index.json names an image. It reads and writes nothing.
package imagelayout

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// The files of a layout beside its blobs, and the folder of those. DockerFile belongs to the
// archives of "docker save", and to layouts that "docker load" reads too.
const (
	VersionFile = "oci-layout"
	IndexFile   = "index.json"
	DockerFile  = "manifest.json"
	BlobsFolder = "blobs"
)

// Version is what stands in VersionFile.
const Version = `{"imageLayoutVersion":"1.0.0"}`

// The annotations by which other tools find a reference in index.json. In a bundle both hold
// the source's full reference: tags alone would clash, since chart and operator share theirs.
const (
	RefName        = "org.opencontainers.image.ref.name"
	ContainerdName = "io.containerd.image.name"
)

// DockerImage is an entry of DockerFile, the table of contents that "docker load" and
// "podman load" want. It costs a few hundred bytes an image.
type DockerImage struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// BlobName is the name of a blob's file.
func BlobName(digest v1.Hash) string {
	return path.Join(BlobsFolder, digest.Algorithm, digest.Hex)
}

// DigestOf is the digest that a file's name stands for; false for what is no blob's.
func DigestOf(name string) (v1.Hash, bool) {
	rest, ok := strings.CutPrefix(name, BlobsFolder+"/")
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

// Reference is the one that a descriptor of index.json carries, if it is whole: with a host
// and a tag.
func Reference(d v1.Descriptor) (ref.Reference, bool) {
	for _, key := range []string{ContainerdName, RefName} {
		if !strings.Contains(d.Annotations[key], "/") {
			continue
		}
		r, err := ref.Parse(d.Annotations[key])
		if err == nil && r.Tag != "" && r.Digest == "" {
			return r, true
		}
	}
	return ref.Reference{}, false
}

// Encode is a file of the layout as JSON; v is a value of this program's own types. The same
// value gives the same bytes.
func Encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(v); err != nil {
		panic(err) // only our own types come here
	}
	return b.Bytes()
}
