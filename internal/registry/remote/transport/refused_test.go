package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// refuseAndReset answers while a body comes, and breaks the connection at once, as Go's own server does.
func refuseAndReset(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPatch {
		return // 200
	}
	_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 413 Request Entity Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n")
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = layered.NetConn()
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// What a registry answers while a body is sent is heard, though it takes no more of it: else a body that
// is too large would be sent again and again.
func TestAnswersBeforeTheEndOfABodyAreHeard(t *testing.T) {
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			server := httptest.NewUnstartedServer(http.HandlerFunc(refuseAndReset))
			opts := Options{}
			if scheme == "https" {
				ca := registrytest.NewCA(t)
				opts.CAFile = ca.File
				server.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, "registry").TLS}}
				server.StartTLS()
			} else {
				server.Start()
			}
			t.Cleanup(server.Close)
			client := newClient(t, server.Listener.Addr().String(), opts)
			for range 10 { // the answer and the break race with each other
				_, err := client.Try(t.Context(), Request{
					Op: "uploading", Method: http.MethodPatch, Path: "/v2/a/blobs/uploads/1", Size: -1,
					Body: func() (io.Reader, error) { return bytes.NewReader(make([]byte, 64<<20)), nil },
				})
				var status *StatusError
				if !errors.As(err, &status) || status.Code != http.StatusRequestEntityTooLarge {
					t.Fatalf("Try() = %v, want what the registry has answered", err)
				}
			}
		})
	}
}
