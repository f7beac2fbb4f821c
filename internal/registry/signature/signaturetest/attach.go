package signaturetest

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// BundleType is the media type of bundles, in the version that cosign writes.
const BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

const simpleType = "application/vnd.dev.cosign.simplesigning.v1+json"

// Layer is a layer with this content.
func Layer(mediaType string, content []byte) v1.Layer {
	return static.NewLayer(content, types.MediaType(mediaType))
}

// Attach puts a signature of REPOSITORY:TAG into a registry in cosign's classic form. Sign returns
// the annotations of a payload's layer, as Key.Simple does.
func Attach(t testing.TB, registry *registrytest.Registry, repository, tag, name string, sign func(payload []byte) map[string]string) {
	t.Helper()
	digest := registry.Digest(t, repository+":"+tag)
	payload := Payload(digest, name)
	signed, err := mutate.Append(mutate.MediaType(empty.Image, types.OCIManifestSchema1),
		mutate.Addendum{Layer: Layer(simpleType, payload), Annotations: sign(payload)})
	must(t, err)
	registry.Push(t, repository+":sha256-"+digest.Hex+".sig", signed)
}

// Refer puts a bundle into a registry that refers to REPOSITORY:TAG.
func Refer(t testing.TB, registry *registrytest.Registry, repository, tag string, bundle []byte) {
	t.Helper()
	subject, err := remote.Head(registry.Reference(t, repository+":"+tag), registry.Remote(t.Context())...)
	must(t, err)
	signed, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), BundleType),
		mutate.Addendum{Layer: Layer(BundleType, bundle)})
	must(t, err)
	digest, err := mutate.Subject(signed, *subject).(v1.Image).Digest()
	must(t, err)
	must(t, remote.Write(registry.Reference(t, repository+"@"+digest.String()), mutate.Subject(signed, *subject).(v1.Image), registry.Remote(t.Context())...))
}
