package transport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// closesIdle is a server that closes each connection when a second request comes on it, as what has been
// idle for long is closed. It counts the requests that it answers.
func closesIdle(t *testing.T) (host string, answered *atomic.Int64) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	answered = new(atomic.Int64)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				reader := bufio.NewReader(conn)
				req, err := http.ReadRequest(reader)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				answered.Add(1)
				_, _ = io.WriteString(conn, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
				_, _ = reader.ReadByte()
			}()
		}
	}()
	return listener.Addr().String(), answered
}

// A connection that is closed while it is idle is no outage: what was to be sent on it goes over another
// one at once, whatever effect it has.
func TestConnectionsThatAreClosedWhileIdle(t *testing.T) {
	host, answered := closesIdle(t)
	traffic := new(registry.Traffic)
	client, err := New(host, Options{Side: registry.SideTarget, Traffic: traffic, Outage: func(o registry.Outage) {
		t.Errorf("told of an outage: %s", o.Cause)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	const requests = 5
	for range requests {
		resp, err := client.Do(t.Context(), Request{
			Op: "starting an upload", Ref: "a", Method: http.MethodPost, Path: "/v2/a/blobs/uploads/", Accept: []int{http.StatusAccepted},
		})
		if err != nil {
			t.Fatal(err)
		}
		resp.Drain()
	}
	if got := answered.Load(); got != requests {
		t.Errorf("%d requests were answered, want %d", got, requests)
	}
	if got := traffic.Retries.Load(); got != requests-1 {
		t.Errorf("%d requests were sent again, want each but the first", got)
	}
}
