package selfimage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Tree is an index with an image for each platform, and all that lies below it.
type Tree struct {
	Index     oci.Manifest
	Manifests []oci.Manifest
	// Blobs are the bytes of configurations and layers.
	Blobs map[v1.Hash][]byte
}

// About is what the image says of itself.
type About struct {
	// Version is the program's, Commit the source's in full, Created the time that everything in
	// the image bears. What is empty or zero is left out, and the time is then the epoch.
	Version, Commit string
	Created         time.Time
}

// annotations are those of the specification.
func (a About) annotations() map[string]string {
	all := map[string]string{
		"org.opencontainers.image.title":    "pgrelocate",
		"org.opencontainers.image.licenses": "Apache-2.0",
	}
	if a.Version != "" {
		all["org.opencontainers.image.version"] = a.Version
	}
	if a.Commit != "" {
		all["org.opencontainers.image.revision"] = a.Commit
	}
	if !a.Created.IsZero() {
		all["org.opencontainers.image.created"] = a.time().Format(time.RFC3339)
	}
	return all
}

func (a About) time() time.Time {
	if a.Created.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return a.Created.UTC().Truncate(time.Second)
}

// Build makes an image of programs, one for each platform. The same programs, and the same words
// about them, make the same bytes.
func Build(programs []Program, about About) (*Tree, error) {
	if len(programs) == 0 {
		return nil, fmt.Errorf("an image of no program")
	}
	programs = slices.Clone(programs)
	slices.SortFunc(programs, func(a, b Program) int {
		return strings.Compare(a.Platform.String(), b.Platform.String())
	})
	made := &Tree{Blobs: map[v1.Hash][]byte{}}
	index := v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Annotations: about.annotations()}
	for i, program := range programs {
		if i > 0 && program.Platform.Equals(programs[i-1].Platform) {
			return nil, fmt.Errorf("%s and %s are both for %s", programs[i-1].path, program.path, program.Platform)
		}
		manifest, err := made.add(program, about)
		if err != nil {
			return nil, err
		}
		entry := manifest.Descriptor
		entry.Platform = &program.Platform
		index.Manifests = append(index.Manifests, entry)
		made.Manifests = append(made.Manifests, manifest)
	}
	var err error
	made.Index, err = manifestOf(types.OCIImageIndex, index)
	return made, err
}

// add makes the image of one program.
func (m *Tree) add(program Program, about About) (oci.Manifest, error) {
	content, err := program.read()
	if err != nil {
		return oci.Manifest{}, err
	}
	packed, diff, err := layer(content, about.time())
	if err != nil {
		return oci.Manifest{}, err
	}
	archive, err := m.blob(types.OCILayer, packed)
	if err != nil {
		return oci.Manifest{}, err
	}
	text, err := json.Marshal(config(program.Platform, about, diff))
	if err != nil {
		return oci.Manifest{}, err
	}
	configuration, err := m.blob(types.OCIConfigJSON, text)
	if err != nil {
		return oci.Manifest{}, err
	}
	return manifestOf(types.OCIManifestSchema1, v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: configuration,
		Layers: []v1.Descriptor{archive}, Annotations: about.annotations(),
	})
}

// config is what a container engine wants to know.
func config(platform v1.Platform, about About, diff v1.Hash) v1.ConfigFile {
	return v1.ConfigFile{
		Architecture: platform.Architecture, OS: platform.OS, Created: v1.Time{Time: about.time()},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diff}},
		History: []v1.History{{Created: v1.Time{Time: about.time()}, CreatedBy: "one program, and what it needs"}},
		Config: v1.Config{
			User: "65532:65532", WorkingDir: home, Entrypoint: []string{"/" + programName},
			Env:    []string{"PATH=/", "HOME=" + home, "SSL_CERT_FILE=/" + authorities},
			Labels: about.annotations(),
		},
	}
}

func (m *Tree) blob(mediaType types.MediaType, content []byte) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	m.Blobs[digest] = content
	return v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}, err
}

func manifestOf(mediaType types.MediaType, content any) (oci.Manifest, error) {
	body, err := json.Marshal(content)
	if err != nil {
		return oci.Manifest{}, err
	}
	return oci.New(mediaType, body)
}
