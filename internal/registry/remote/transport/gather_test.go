package transport

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// withheld is a connection whose writes stay in a buffer where there is one.
type withheld struct {
	net.Conn
	buffer *bytes.Buffer
}

func (w *withheld) Write(p []byte) (int, error) {
	if w.buffer != nil {
		return w.buffer.Write(p)
	}
	return w.Conn.Write(p)
}

// What a record of TLS 1.3 holds at most, and what it takes on the wire then.
const (
	record = 16 << 10
	onWire = 5 + record + 1 + 16
)

// inParts answers one request over TLS. Of its content it sends three records and a third of one at a
// time, and goes on when the client has had all records that are whole.
func inParts(listener net.Listener, certificate tls.Certificate, content []byte, had <-chan int) error {
	c, err := listener.Accept()
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	below := &withheld{Conn: c}
	secure := tls.Server(below, &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13, DynamicRecordSizingDisabled: true,
	})
	if _, err := secure.Read(make([]byte, record)); err != nil { // the request
		return err
	}
	if _, err := fmt.Fprintf(secure, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(content)); err != nil {
		return err
	}
	below.buffer = new(bytes.Buffer)
	if _, err := secure.Write(content); err != nil {
		return err
	}
	for sent, got := 0, 0; below.buffer.Len() > 0; {
		n, err := c.Write(below.buffer.Next(3*onWire + onWire/3))
		if err != nil {
			return err
		}
		for sent += n; got < sent/onWire*record; {
			got = <-had
		}
	}
	return nil
}

// Records that have arrived are read at once, and are not held back for one of which only a part has.
func TestRecordsAreGathered(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	ca := registrytest.NewCA(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	certificate, had, served := ca.Issue(t, "server").TLS, make(chan int), make(chan error, 1)
	go func() { served <- inParts(listener, certificate, content, had) }()

	client := newClient(t, listener.Addr().String(), Options{CAFile: ca.File})
	resp, err := client.Do(t.Context(), Request{Op: "reading", Ref: "a", Method: http.MethodGet, Path: "/v2/a", Accept: []int{http.StatusOK}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var got []byte
	largest, portion := 0, make([]byte, mostPortion)
	for err == nil && len(got) < len(content) {
		var n int
		n, err = resp.Body.Read(portion)
		got, largest = append(got, portion[:n]...), max(largest, n)
		select {
		case had <- len(got):
		case servedErr := <-served:
			served <- servedErr
		}
	}
	if err != nil && !errors.Is(err, io.EOF) || !bytes.Equal(got, content) {
		t.Fatalf("got %d bytes and %v, want the %d that were sent", len(got), err, len(content))
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if largest <= record {
		t.Errorf("read %d bytes at once at most, want several records", largest)
	}
}
