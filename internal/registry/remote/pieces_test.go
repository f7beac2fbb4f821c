package remote

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// A registry, or a proxy before it, that does not take pieces gets the blob whole, and so do all
// that follow.
func TestLargeBlobsToRegistriesThatTakeNoPieces(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		second bool // the first piece of an upload is taken
		want   string
	}{
		{"length required", http.StatusLengthRequired, false, "POST PATCH POST PUT"},
		{"bad request", http.StatusBadRequest, false, "POST PATCH POST PUT"},
		{"no PATCH", http.StatusMethodNotAllowed, false, "POST PATCH POST PUT"},
		{"not a second one", http.StatusBadRequest, true, "POST PATCH PATCH POST PUT"},
		{"the upload is gone with the second", http.StatusNotFound, true, "POST PATCH PATCH POST PATCH PATCH POST PUT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := newResumable()
			k.odd = func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method != http.MethodPatch || tt.second && k.open[r.URL.Path].Len() == 0 {
					return false
				}
				w.WriteHeader(tt.status)
				return true
			}
			host, content := serveResumable(t, k), noise(40*mib)
			if tt.second {
				content = noise(100 * mib)
			}
			client := run(t, host, t.TempDir(), Options{})
			if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
				t.Fatal(err)
			}
			if methods, _ := k.sofar(); methods != tt.want {
				t.Errorf("the requests are %s, want %s", methods, tt.want)
			}
		})
	}
}

// A run that ends closes the piece that is under way, so that the registry has confirmed all that
// was sent; a registry that does not confirm it is not waited for long.
func TestPiecesEndWithTheRun(t *testing.T) {
	for _, silent := range []bool{false, true} {
		k := newResumable()
		host := registrytest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
			k.ServeHTTP(w, r)
			if silent && r.Method == http.MethodPatch {
				<-r.Context().Done()
			}
		}).Listener.Addr().String()
		dir, content := t.TempDir(), noise(40*mib)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stopped time.Time
		stop := func() { stopped = time.Now(); cancel() }
		_, err := run(t, host, dir, Options{}).PushBlob(ctx, "a", blobOf(t, content), &stopping{content, 10 * mib, stop}, false)
		if took := time.Since(stopped); !errors.Is(err, context.Canceled) || took > 20*time.Second {
			t.Errorf("silent: %t: PushBlob() = %v %s after the run was stopped, want the reason at once", silent, err, took)
		}
		if _, got := k.sofar(); got != 10*mib {
			t.Errorf("silent: %t: %d bytes have arrived, want all that was sent", silent, got)
		}
		if left := open(t, dir, host, content); left == "" {
			t.Errorf("silent: %t: the journal does not know the upload", silent)
		}
	}
}

// Who keeps no journal sends blobs as ever.
func TestNoPiecesWithoutAJournal(t *testing.T) {
	k := newResumable()
	content := noise(40 * mib)
	client := newClient(t, serveResumable(t, k), Options{})
	if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); err != nil {
		t.Fatal(err)
	}
	if methods, _ := k.sofar(); methods != "POST PUT" {
		t.Errorf("the requests are %s, want POST PUT", methods)
	}
}
