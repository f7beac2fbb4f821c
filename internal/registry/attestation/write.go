package attestation

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// Writer puts attestations into a target. It is safe for concurrent use.
type Writer struct {
	Target registry.Target
	// Tool is which program says so.
	Tool string
	// Now is the time; nil is the machine's clock.
	Now func() time.Time
}

// Write attests facts of an artifact that the target has, unless the same is attested already.
func (w *Writer) Write(ctx context.Context, f Facts) (added bool, err error) {
	repository := f.Target.Repository
	about, err := w.Target.Resolve(ctx, repository, f.Digest.String())
	if err != nil {
		return false, err
	}
	if known, err := w.known(ctx, f, about.Digest); known || err != nil {
		return false, err
	}
	at := w.now()
	text, err := f.state(w.Tool, at)
	if err != nil {
		return false, err
	}
	config, err := w.push(ctx, repository, emptyType, empty)
	if err != nil {
		return false, err
	}
	layer, err := w.push(ctx, repository, statementType, text)
	if err != nil {
		return false, err
	}
	manifest, err := f.manifest(about, config, layer, at)
	if err != nil {
		return false, err
	}
	return true, w.put(ctx, repository, manifest)
}

// mostRead is how many manifests are read to find out whether facts are attested already.
const mostRead = 20

// known tells whether facts are attested already. Registries should say in the listing what is
// annotated; of those that do not, the manifests that may be attestations are read.
func (w *Writer) known(ctx context.Context, f Facts, digest v1.Hash) (bool, error) {
	referrers, err := w.Target.Referrers(ctx, f.Target.Repository, digest)
	if err != nil {
		return false, err
	}
	read := 0
	for _, referrer := range referrers {
		silent := len(referrer.Annotations) == 0 && slices.Contains([]string{"", string(statementType), string(emptyType)}, referrer.ArtifactType)
		if silent && read < mostRead {
			read++
			manifest, err := w.Target.Manifest(ctx, f.Target.Repository, referrer.Digest.String())
			if err != nil {
				return false, err
			}
			links, err := oci.Parse(manifest)
			if err != nil {
				return false, err
			}
			referrer.Annotations = links.Annotations
		}
		if f.attestedBy(referrer) {
			return true, nil
		}
	}
	return false, nil
}

func (w *Writer) now() time.Time {
	if w.Now == nil {
		return time.Now().UTC().Truncate(time.Second)
	}
	return w.Now().UTC()
}

// put puts the manifest, and lists it where the target does not do that by itself.
func (w *Writer) put(ctx context.Context, repository string, manifest oci.Manifest) error {
	listed, err := w.Target.PushManifest(ctx, repository, manifest.Descriptor.Digest.String(), manifest)
	if err != nil || listed {
		return err
	}
	links, err := oci.Parse(manifest)
	if err != nil {
		return err
	}
	return w.Target.ListReferrers(ctx, repository, links.Subject.Digest, []v1.Descriptor{links.Referrer(manifest.Descriptor)})
}

func (w *Writer) push(ctx context.Context, repository string, mediaType types.MediaType, content []byte) (v1.Descriptor, error) {
	digest, size, err := v1.SHA256(bytes.NewReader(content))
	if err != nil {
		return v1.Descriptor{}, err
	}
	d := v1.Descriptor{MediaType: mediaType, Digest: digest, Size: size}
	_, err = w.Target.PushBlob(ctx, repository, d, body(content), false)
	return d, err
}

// body is a blob in memory.
type body []byte

// From returns what is behind offset.
func (b body) From(offset int64) (io.Reader, error) {
	if offset < 0 || offset > int64(len(b)) {
		return nil, fmt.Errorf("there are %d bytes, and none at %d", len(b), offset)
	}
	return bytes.NewReader(b[offset:]), nil
}
