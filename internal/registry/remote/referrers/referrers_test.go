package referrers_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// clientOf is a client of a registry, which has a lister for its referrers.
func clientOf(t *testing.T, handler http.Handler, opts remote.Options) *remote.Client {
	t.Helper()
	opts.CertsDirs = []string{}
	client, err := remote.New(registrytest.Serve(t, handler.ServeHTTP).Listener.Addr().String(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func digestOf(content string) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256([]byte(content)))}
}

// Referrers come page by page; what the last page lacks is not left out.
func TestReferrersPageByPage(t *testing.T) {
	const pages = 5
	client := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := 0
		_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
		if page+1 < pages {
			w.Header().Set("Link", fmt.Sprintf(`<%s?page=%d>; rel="next"`, r.URL.Path, page+1))
		}
		w.Header().Set("Content-Type", string(types.OCIImageIndex))
		fmt.Fprintf(w, `{"schemaVersion":2,"manifests":[{"mediaType":%q,"size":2,"digest":"sha256:%064d"}]}`, types.OCIManifestSchema1, page)
	}), remote.Options{})
	found, err := client.Referrers(t.Context(), "a", v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)})
	if err != nil || len(found) != pages {
		t.Errorf("Referrers() = %d, %v, want those of all %d pages", len(found), err, pages)
	}
}

// An index of referrers that itself refers to something must not be listed in its turn
// while the list is held.
func TestReferrersTagWithASubject(t *testing.T) {
	subject := v1.Descriptor{Digest: digestOf("image"), Size: 5, MediaType: types.OCIManifestSchema1}
	odd, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Subject: &subject})
	if err != nil {
		t.Fatal(err)
	}
	client := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPut:
			w.WriteHeader(http.StatusCreated)
		default:
			w.Header().Set("Content-Type", string(types.OCIImageIndex))
			_, _ = w.Write(odd)
		}
	}), remote.Options{})
	body, err := json.Marshal(v1.Manifest{SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: subject, Subject: &subject})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := oci.New(types.OCIManifestSchema1, body)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		listed, err := client.PushManifest(context.Background(), "a", manifest.Descriptor.Digest.String(), manifest)
		if listed {
			t.Error("PushManifest() = listed, and nobody has said so")
		}
		if err == nil {
			err = client.ListReferrers(context.Background(), "a", subject.Digest, []v1.Descriptor{manifest.Descriptor})
		}
		done <- err
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Fatal("PushManifest never returns")
	}
}

func TestOneAnswerTellsWhetherReferrersAreListed(t *testing.T) {
	// Four that wait for each other: they have to be under way at once.
	const most = 4
	var asked atomic.Int64
	together := make(chan struct{})
	client := clientOf(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n := asked.Add(1); n == 1+most {
			close(together)
		} else if n > 1 {
			select {
			case <-together:
			case <-time.After(time.Minute):
				t.Error("those that waited for the first answer do not go together")
			}
		}
		w.Header().Set("Content-Type", string(types.OCIImageIndex))
		fmt.Fprint(w, `{"schemaVersion":2,"manifests":[]}`)
	}), remote.Options{})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := client.Referrers(context.Background(), "a", digestOf("")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
