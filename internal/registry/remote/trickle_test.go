package remote

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/faults"
)

// trickle serves a blob, from wherever it is asked for, at less than 1 KiB a second: so that it never
// stands still, and never comes to its end.
func trickle(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(&slowWriter{w, r}, r, "", time.Time{}, bytes.NewReader(content))
	}
}

type slowWriter struct {
	http.ResponseWriter
	request *http.Request
}

func (s *slowWriter) Write(p []byte) (int, error) {
	for n := range p {
		if s.request.Context().Err() != nil {
			return n, s.request.Context().Err()
		}
		if _, err := s.ResponseWriter.Write(p[n : n+1]); err != nil {
			return n, err
		}
		if n%8 == 7 {
			_ = http.NewResponseController(s.ResponseWriter).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	}
	return len(p), nil
}

// A server that lets a blob drip does not keep a run for ever.
func TestABlobThatDripsIsGivenUp(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 1<<20)
	client := tokenClient(t, trickle(content), Options{StallTimeout: 2 * time.Second, RetryTimeout: 3 * time.Second})
	blob, err := client.Blob(t.Context(), "a", blobOf(t, content), 0, int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	n, err := io.Copy(io.Discard, blob)
	if !errors.Is(err, registry.ErrStalled) || !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("reading ended after %d bytes with %v, want that it stalled for too long", n, err)
	}
}

// Nor does one that takes a little of an upload at each try, and keeps it.
func TestAnUploadThatIsHardlyTakenIsGivenUp(t *testing.T) {
	content := bytes.Repeat([]byte("x"), 16<<20)
	var tries atomic.Int64
	hardly := faults.CutUploads(faults.Cut{
		After: 100, Times: faults.Always, How: faults.Stall, Struck: func() { tries.Add(1) },
	})
	reg := registrytest.Front(t, registrytest.Distribution(t, registrytest.Options{}), hardly)
	client := newClient(t, reg.Host, Options{Push: true, StallTimeout: time.Second, RetryTimeout: 3 * time.Second})
	_, err := client.PushBlob(t.Context(), "a", blobOf(t, content), memoryBody(content), false)
	if !errors.Is(err, registry.ErrStalled) || !errors.Is(err, registry.ErrUnavailable) {
		t.Errorf("PushBlob() = %v, want that it stalled for too long", err)
	}
	if tries.Load() < 2 {
		t.Errorf("it was tried %d times, want several", tries.Load())
	}
}
