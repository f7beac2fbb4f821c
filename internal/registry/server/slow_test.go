package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/server"
)

// large is more than the buffers between two ends of a connection hold.
const large = 32 << 20

// stopTime is how long Run may take to end on a busy machine, with the few seconds that pulls get.
const stopTime = time.Minute

// running is a server of a bundle with one large layer.
type running struct {
	address, blob string
	stop          context.CancelFunc
	ended         chan error
}

func run(t *testing.T) running {
	t.Helper()
	folder := t.TempDir()
	path, err := layout.Write(folder, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	layer := static.NewLayer(make([]byte, large), types.OCILayer)
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), layer)
	if err != nil {
		t.Fatal(err)
	}
	name := layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": vendor + "/postgres-instance:v17.5-v4.3.1"})
	if err := path.AppendImage(image, name); err != nil {
		t.Fatal(err)
	}
	digest, err := layer.Digest()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bundle.Open(t.Context(), folder, bundle.OpenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	r := running{listener.Addr().String(), "/v2/postgres-instance/blobs/" + digest.String(), stop, make(chan error, 1)}
	go func() { r.ended <- server.Run(ctx, listener, server.New(b), nil) }()
	t.Cleanup(func() { b.Close() })
	t.Cleanup(stop)
	return r
}

// lazy is a client that asks for the layer and reads nothing of it.
func (r running) lazy(t *testing.T) {
	t.Helper()
	conn, err := net.Dial("tcp", r.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", r.blob, r.address); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(stopTime))
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it is being answered
		t.Fatal(err)
	}
}

// Clients that read nothing, or do not even ask, keep nobody else from reading the same.
func TestLazyClientsHoldUpNobody(t *testing.T) {
	t.Parallel()
	r := run(t)
	for range 50 {
		r.lazy(t)
		silent, err := net.Dial("tcp", r.address)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 3 {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.address+r.blob, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || n < large {
			t.Errorf("read %d bytes, %v, want all %d", n, err, large)
		}
	}
}

// Nor do they keep the server from ending.
func TestLazyClientsDoNotHoldUpTheEnd(t *testing.T) {
	t.Parallel()
	r := run(t)
	for range 5 {
		r.lazy(t)
	}
	r.stop()
	select {
	case err := <-r.ended:
		if err != nil {
			t.Errorf("Run() = %v, want nil", err)
		}
	case <-time.After(stopTime):
		t.Error("Run() does not end")
	}
}
