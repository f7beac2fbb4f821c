package server

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bounded runs a server within limits until the test ends, and returns its address.
func bounded(t *testing.T, bounds limits, handler http.Handler) string {
	t.Helper()
	var listen net.ListenConfig
	listener, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, listener, handler, nil, bounds) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("run() = %v, want nil", err)
		}
	})
	return listener.Addr().String()
}

// send opens a connection and sends the beginning of a request.
func send(t *testing.T, address, text string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	return conn
}

// get asks over a connection of its own.
func get(t *testing.T, address string, header http.Header) (int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	return resp.StatusCode, nil
}

// Clients that leave off, each in its way, lose their connection: the next one, for which
// there is no other, is served.
func TestIdleClientsMakeRoom(t *testing.T) {
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for portion := make([]byte, 1<<20); ; {
			if _, err := w.Write(portion); err != nil {
				return
			}
		}
	}
	reading := func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
	tests := []struct {
		name, request string
		handler       http.HandlerFunc
	}{
		{"reads nothing", "GET /busy HTTP/1.1\r\nHost: x\r\n\r\n", endless},
		{"sends no body", "PUT /busy HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", reading},
		{"sends no body that anybody reads", "PUT /busy HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n", func(http.ResponseWriter, *http.Request) {}},
		{"sends half a body", "PUT /busy HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", reading},
		{"sends half a header", "GET /busy HTTP/1.1\r\nHo", endless},
		{"sends nothing", "", endless},
		{"has no more to ask", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", endless},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bounds := limits{connections: 1, idle: 100 * time.Millisecond, header: 100 * time.Millisecond, headerBytes: 4 << 10}
			address := bounded(t, bounds, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/busy" {
					tt.handler(w, r)
				}
			}))
			send(t, address, tt.request)
			if status, err := get(t, address, nil); err != nil || status != http.StatusOK {
				t.Errorf("the next client got %d, %v, want %d", status, err, http.StatusOK)
			}
		})
	}
}

// deadlines is a connection that counts what is set and written.
type deadlines struct {
	net.Conn
	set    int
	writes []int
}

func (d *deadlines) SetWriteDeadline(time.Time) error { d.set++; return nil }

func (d *deadlines) Write(p []byte) (int, error) {
	d.writes = append(d.writes, len(p))
	return len(p), nil
}

// What is large has no more time in all, and no less for each portion.
func TestEachPortionHasItsTime(t *testing.T) {
	conn := &deadlines{}
	n, err := (&watchedConn{conn, time.Minute}).Write(make([]byte, 2*portion+10))
	if n != 2*portion+10 || err != nil {
		t.Errorf("Write() = %d, %v, want all", n, err)
	}
	if got, want := fmt.Sprint(conn.set, conn.writes), fmt.Sprint(3, []int{portion, portion, 10}); got != want {
		t.Errorf("deadlines and writes = %s, want %s", got, want)
	}
}

func TestConnectionsAreLimited(t *testing.T) {
	var now, most atomic.Int64
	bounds := common
	bounds.connections = 2
	address := bounded(t, bounds, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		defer now.Add(-1)
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		time.Sleep(5 * time.Millisecond) // for others to come
	}))
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			if status, err := get(t, address, nil); err != nil || status != http.StatusOK {
				t.Errorf("one of many clients got %d, %v, want %d", status, err, http.StatusOK)
			}
		})
	}
	clients.Wait()
	if got := most.Load(); got > 2 {
		t.Errorf("%d connections were served at the same time, want 2 at most", got)
	}
}

func TestHeadersAreLimited(t *testing.T) {
	address := bounded(t, common, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	header := http.Header{"Range": {"bytes=" + strings.Repeat("0-0,", 200_000)}}
	status, err := get(t, address, header)
	if err == nil && status != http.StatusRequestHeaderFieldsTooLarge { // it may hang up while the client sends
		t.Errorf("a header of 800 kB = %d, want %d", status, http.StatusRequestHeaderFieldsTooLarge)
	}
}
