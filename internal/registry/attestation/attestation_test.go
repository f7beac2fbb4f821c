package attestation_test

import (
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/attestation"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

var at = time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)

// Registries with and without the referrers API: one attestation, however often it is asked for,
// and another where the facts are others.
func TestWrite(t *testing.T) {
	for name, start := range map[string]func(testing.TB, registrytest.Options) *registrytest.Registry{
		"in process": registrytest.InProcess, "distribution v3": registrytest.Distribution, "Debian's": registrytest.Debian,
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, registrytest.Options{})
			image, err := random.Image(100, 1)
			if err != nil {
				t.Fatal(err)
			}
			digest := r.Push(t, "private/image:v1", image)
			client, err := remote.New(r.Host, remote.Options{Push: true})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			writer := &attestation.Writer{Target: client, Tool: "pgrelocate/v1", Now: func() time.Time { return at }}
			facts := attestation.Facts{
				Source: ref.Reference{Host: "vendor.example.com", Repository: "image", Tag: "v1"},
				Target: ref.Reference{Host: r.Host, Repository: "private/image", Tag: "v1"},
				Digest: digest, Lock: "sha256:abc", Key: "sha256:def",
			}
			for i, want := range []bool{true, false, false} {
				if added, err := writer.Write(t.Context(), facts); added != want || err != nil {
					t.Fatalf("%d. Write = %v, %v, want %v", i, added, err, want)
				}
				writer.Now, facts.Lock = func() time.Time { return at.Add(time.Hour) }, "sha256:other"
			}
			found := attested(t, client, digest)
			if len(found) != 1 {
				t.Fatalf("%d attestations, want 1", len(found))
			}
			want := map[string]any{
				"source": "vendor.example.com/image:v1", "target": r.Host + "/private/image:v1", "at": "2026-03-10T12:00:00Z",
				"by": "pgrelocate/v1", "lock": "sha256:abc", "signedBy": map[string]any{"key": "sha256:def"},
			}
			got, _ := json.Marshal(found[0].Predicate)
			if wanted, _ := json.Marshal(want); string(got) != string(wanted) {
				t.Errorf("predicate %s, want %s", got, wanted)
			}
			if s := found[0]; s.PredicateType != attestation.Predicate || s.Subject[0].Digest["sha256"] != digest.Hex {
				t.Errorf("statement %+v, want one about %s", s, digest)
			}
			facts.Source.Host = "mirror.example.com"
			if added, err := writer.Write(t.Context(), facts); !added || err != nil {
				t.Errorf("another source: Write = %v, %v, want a second one", added, err)
			}
			if found := attested(t, client, digest); len(found) != 2 {
				t.Errorf("%d attestations, want both", len(found))
			}
		})
	}
}

type statement struct {
	PredicateType string
	Predicate     map[string]any
	Subject       []struct{ Digest map[string]string }
}

// attested reads the statements that refer to a digest.
func attested(t *testing.T, source registry.Source, digest v1.Hash) []statement {
	t.Helper()
	referrers, err := source.Referrers(t.Context(), "private/image", digest)
	if err != nil {
		t.Fatal(err)
	}
	var all []statement
	for _, referrer := range referrers {
		manifest, err := source.Manifest(t.Context(), "private/image", referrer.Digest.String())
		if err != nil {
			t.Fatal(err)
		}
		links, err := oci.Parse(manifest)
		if err != nil {
			t.Fatal(err)
		}
		var s statement
		if err := json.Unmarshal(read(t, source, links.Layers[0]), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

func read(t *testing.T, source registry.Source, blob v1.Descriptor) []byte {
	t.Helper()
	content, err := source.Blob(context.WithoutCancel(t.Context()), "private/image", blob, 0, blob.Size)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = content.Close() }()
	text, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
