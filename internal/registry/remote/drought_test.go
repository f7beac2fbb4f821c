package remote

import (
	"bytes"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// A registry that answers whatever it is asked, and takes no blob, is waited for once, and not for each
// blob anew; one that it takes is progress.
func TestARegistryThatOnlyAnswersIsWaitedForOnce(t *testing.T) {
	var failing atomic.Bool
	var puts atomic.Int64
	client := tokenClient(t, &takesUploads{put: func(w http.ResponseWriter, r *http.Request) bool {
		puts.Add(1)
		if !failing.Load() {
			return false
		}
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}}, Options{RetryTimeout: 1500 * time.Millisecond})
	push := func(fails bool) (tries int64) {
		content := bytes.Repeat([]byte("x"), 100)
		failing.Store(fails)
		puts.Store(0)
		if _, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false); (err != nil) != fails {
			t.Fatalf("PushBlob() = %v where the registry fails: %t", err, fails)
		}
		return puts.Load()
	}
	if tries := push(true); tries < 3 {
		t.Errorf("the first blob was sent %d times, want the whole of the time to be used", tries)
	}
	for range 2 { // what is left of the time
		push(true)
	}
	if tries := push(true); tries > 2 {
		t.Errorf("a blob was sent %d times after the time was used up, want twice at most", tries)
	}
	push(false)
	if tries := push(true); tries < 3 {
		t.Errorf("a blob was sent %d times after another was taken, want the whole of the time to be used", tries)
	}
}
