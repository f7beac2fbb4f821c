package server_test

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func TestStartServesItsHandler(t *testing.T) {
	var requests atomic.Int64
	r := server.Start(t.Context(), listen(t), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	defer r.Close()
	ask(t, http.MethodGet, "http://"+r.Host+"/v2/", nil)
	if requests.Load() != 1 {
		t.Errorf("the handler saw %d requests, want 1", requests.Load())
	}
}

// Once Close has returned the content can be removed: nobody writes to it any more.
func TestCloseWaitsForWhatIsUnderWay(t *testing.T) {
	entered := make(chan struct{})
	var finished atomic.Bool
	r := server.Start(t.Context(), listen(t), http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		close(entered)
		<-req.Context().Done()
		time.Sleep(50 * time.Millisecond) // as if it were writing
		finished.Store(true)
	}))
	var group sync.WaitGroup
	group.Go(func() {
		if resp, err := http.Get("http://" + r.Host); err == nil {
			resp.Body.Close()
		}
	})
	<-entered
	if err := r.Close(); err != nil {
		t.Errorf("Close() = %v, want no error", err)
	}
	if !finished.Load() {
		t.Error("Close() returned while a request was under way")
	}
	group.Wait()
}

func TestCloseTwice(t *testing.T) {
	r := server.Start(t.Context(), listen(t), http.NotFoundHandler())
	for range 2 {
		if err := r.Close(); err != nil {
			t.Errorf("Close() = %v, want no error", err)
		}
	}
	var dialer net.Dialer
	if conn, err := dialer.DialContext(t.Context(), "tcp", r.Host); err == nil {
		conn.Close()
		t.Error("the registry listens after Close")
	}
}
