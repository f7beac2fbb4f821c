package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// forgetful does not know the blobs of the first manifests put.
func forgetful(t *testing.T, times int64, opts Options) (*Client, *atomic.Int64) {
	return forgetfulWith(t, http.StatusBadRequest, times, opts)
}

func forgetfulWith(t *testing.T, status int, times int64, opts Options) (*Client, *atomic.Int64) {
	t.Helper()
	return forgetfulSaying(t, status, "MANIFEST_BLOB_UNKNOWN", times, opts)
}

func forgetfulSaying(t *testing.T, status int, code string, times int64, opts Options) (*Client, *atomic.Int64) {
	t.Helper()
	var puts atomic.Int64
	return tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if puts.Add(1) <= times {
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"blob unknown to registry"}]}`, code)
			return
		}
		w.Header().Set("Docker-Content-Digest", emptyDigest)
		w.WriteHeader(http.StatusCreated)
	}), opts), &puts
}

// emptyDigest is that of the manifest that pushSome puts.
const emptyDigest = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

// What says yes to every manifest, and keeps none, is found out, unless it does not let look.
func TestManifestThatIsTakenAndNotKept(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		looked int    // the status of a look at what was put
		holds  string // its digest there
		want   error
	}{
		{"it is there", http.StatusOK, emptyDigest, nil},
		{"nobody may look", http.StatusForbidden, "", nil},
		{"it is not there", http.StatusNotFound, "", registry.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut {
					w.WriteHeader(http.StatusCreated)
					return
				}
				if tt.holds != "" {
					w.Header().Set("Docker-Content-Digest", tt.holds)
					w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
					w.Header().Set("Content-Length", "2")
				}
				w.WriteHeader(tt.looked)
			}), Options{})
			if err := pushSome(t.Context(), t, client); !errors.Is(err, tt.want) {
				t.Errorf("PushManifest() = %v, want %v", err, tt.want)
			}
		})
	}
}

func pushSome(ctx context.Context, t *testing.T, client *Client) error {
	t.Helper()
	manifest, err := oci.New(types.OCIManifestSchema1, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.PushManifest(ctx, "a", "v1", manifest)
	return err
}

func TestManifestWhoseBlobsAreNotSeenYet(t *testing.T) {
	t.Parallel()
	client, puts := forgetful(t, 2, Options{})
	if err := pushSome(context.Background(), t, client); err != nil {
		t.Errorf("PushManifest() = %v, want another try", err)
	}
	if retries := client.transport.Retries(); puts.Load() != 3 || retries != 2 {
		t.Errorf("%d tries and %d retries counted, want 3 and 2", puts.Load(), retries)
	}
}

func TestManifestWhoseBlobsAreNeverSeen(t *testing.T) {
	t.Parallel()
	client, puts := forgetful(t, 100, Options{})
	err := pushSome(context.Background(), t, client)
	if err == nil || !strings.Contains(err.Error(), "MANIFEST_BLOB_UNKNOWN") {
		t.Errorf("PushManifest() = %v, want what the registry says", err)
	}
	if want := int64(len(blobPauses) + 1); puts.Load() != want {
		t.Errorf("%d tries, want %d", puts.Load(), want)
	}
}

// What a registry says of the blobs of a manifest is no outage, whatever the status.
func TestManifestWhoseBlobsAreNeverSeenWith500(t *testing.T) {
	t.Parallel()
	client, puts := forgetfulWith(t, http.StatusInternalServerError, 100, Options{RetryTimeout: time.Minute})
	if err := pushSome(t.Context(), t, client); !errors.Is(err, registry.ErrBlobUnknown) || errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("PushManifest() = %v, want what the registry says, and no outage", err)
	}
	if want := int64(len(blobPauses) + 1); puts.Load() != want {
		t.Errorf("%d tries, want %d", puts.Load(), want)
	}
}

// Whoever sends the blobs again, and puts the manifest once more, does not wait for the whole of the time
// once more: what is waited for a manifest stays within one retry timeout, in whichever words it is refused.
func TestManifestWhoseBlobsAreNeverSeenIsNotWaitedForAnew(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		code   string
	}{{http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN"}, {http.StatusInternalServerError, "BLOB_UNKNOWN"}}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.status, tt.code), func(t *testing.T) {
			t.Parallel()
			client, puts := forgetfulSaying(t, tt.status, tt.code, 100, Options{RetryTimeout: time.Second})
			for range 3 {
				if err := pushSome(t.Context(), t, client); !errors.Is(err, registry.ErrBlobUnknown) {
					t.Fatalf("PushManifest() = %v, want what the registry says", err)
				}
			}
			// Two waits of half a second each are all there is.
			if puts.Load() != 5 || client.transport.Retries() != 2 {
				t.Errorf("%d tries and %d retries, want 5 and 2", puts.Load(), client.transport.Retries())
			}
		})
	}
}

// A manifest that is taken in the end has its time before it again.
func TestPatienceBeginsAnewOnceAManifestIsTaken(t *testing.T) {
	var p patience
	p.spend("a", time.Second, time.Second)
	if got := p.spend("a", time.Second, time.Second); got != 0 {
		t.Errorf("spend() = %s of what is used up, want 0", got)
	}
	if got := p.spend("b", 2*time.Second, time.Second); got != time.Second {
		t.Errorf("spend() = %s for another manifest, want what the bound leaves", got)
	}
	p.over("a")
	if got := p.spend("a", time.Second, time.Second); got != time.Second {
		t.Errorf("spend() = %s after the manifest was taken, want 1s", got)
	}
}

// A registry that takes no manifest, before it has taken anything, is read-only; one that has taken
// others does not take this one.
func TestManifestsThatNobodyMayPut(t *testing.T) {
	t.Parallel()
	for _, took := range []bool{false, true} {
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}), Options{})
		client.took.Store(took)
		if err := pushSome(t.Context(), t, client); err == nil || errors.Is(err, registry.ErrReadOnly) == took {
			t.Errorf("PushManifest() = %v where the registry took something: %t", err, took)
		}
	}
}

func TestInterruptedWhileBlobsAreNotSeen(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client, puts := forgetful(t, 100, Options{Notice: func(string) { cancel() }}) // it is about to wait
	if err := pushSome(ctx, t, client); !errors.Is(err, context.Canceled) || puts.Load() != 1 {
		t.Errorf("PushManifest() = %v after %d tries, want an end with its context after one", err, puts.Load())
	}
}
