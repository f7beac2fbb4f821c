package remote

import (
	"net/http"
	"sync/atomic"
	"testing"
)

// A registry that fails at mounts and at nothing else is not waited for, and not asked for ever.
func TestMountsAtWhichTheRegistryAlwaysFails(t *testing.T) {
	var mounts atomic.Int32
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			mounts.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}), Options{})
	for range 10 {
		if mounted, err := client.MountBlob(t.Context(), "a", blobOf(t, nil), "b"); mounted || err != nil {
			t.Fatalf("MountBlob() = %t, %v, want that it is refused", mounted, err)
		}
	}
	if got := mounts.Load(); got != 2*mostFailedMounts {
		t.Errorf("%d mounts were asked for, want %d", got, 2*mostFailedMounts)
	}
}

// An outage is waited for: what is mounted afterwards need not be sent.
func TestMountsAfterAnOutage(t *testing.T) {
	var requests atomic.Int32
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if requests.Add(1) < 6 { // the third mount, and the looks after the others
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusCreated)
	}), Options{})
	client.transport.Prepare([]string{"a", "b"})
	if mounted, err := client.MountBlob(t.Context(), "a", blobOf(t, nil), "b"); !mounted || err != nil {
		t.Errorf("MountBlob() = %t, %v after an outage, want that it is mounted", mounted, err)
	}
}
