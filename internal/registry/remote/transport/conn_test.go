package transport

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/stall"
)

// sizes notes what its reader was asked for.
type sizes struct {
	io.Reader
	asked []int
}

func (s *sizes) Read(p []byte) (int, error) {
	s.asked = append(s.asked, len(p))
	return s.Reader.Read(p)
}

func TestConnSendsLargePortions(t *testing.T) {
	ours, theirs := net.Pipe()
	received := make(chan []byte)
	go func() {
		all, _ := io.ReadAll(theirs)
		received <- all
	}()
	content := bytes.Repeat([]byte("0123456789abcde"), 40_000) // 600,000 bytes
	source := &sizes{Reader: bytes.NewReader(content)}
	if n, err := newConn(ours).ReadFrom(source); n != int64(len(content)) || err != nil {
		t.Errorf("ReadFrom() = %d, %v, want %d", n, err, len(content))
	}
	_ = ours.Close()
	if got := <-received; !bytes.Equal(got, content) {
		t.Errorf("%d bytes arrived, and not those that were sent", len(got))
	}
	if want := []int{mostPortion, mostPortion, mostPortion, mostPortion}; !cmp.Equal(source.asked, want) {
		t.Errorf("asked for %v, want %v", source.asked, want)
	}
}

// noting notes what is written to a connection at a time.
type noting struct {
	net.Conn
	writes *[]int
}

func (n noting) Write(p []byte) (int, error) {
	*n.writes = append(*n.writes, len(p))
	return n.Conn.Write(p)
}

// A body of no declared length leaves in as large portions, whose frames cost two small writes.
func TestUndeclaredBodiesGoInLargePortions(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<20) // 16 MiB
	var got []byte
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, _ = io.ReadAll(r.Body)
	}), Options{Push: true})
	var writes []int
	plain := client.transport.DialContext
	client.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := plain(ctx, network, address)
		return noting{c, &writes}, err
	}
	resp, err := client.Do(t.Context(), Request{
		Op: "sending", Ref: "a", Method: http.MethodPatch, Path: "/v2/a", Size: -1,
		Body: func() (io.Reader, error) { return bytes.NewReader(content), nil }, Accept: []int{http.StatusOK},
	})
	if err != nil {
		t.Fatal(err)
	}
	resp.Drain()
	client.Close()
	if !bytes.Equal(got, content) {
		t.Errorf("%d bytes arrived, and not the %d that were sent", len(got), len(content))
	}
	if largest := slices.Max(writes); largest < mostPortion-4<<10 || len(writes) > 250 {
		t.Errorf("%d writes of up to %d bytes, want some 65 of nearly %d and their frames", len(writes), largest, mostPortion)
	}
}

// An error of what is sent comes back as it is, with what was written before it.
func TestConnPassesErrorsOn(t *testing.T) {
	ours, theirs := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	broken := errors.New("broken")
	n, err := newConn(ours).ReadFrom(io.MultiReader(bytes.NewReader([]byte("abc")), iotest.ErrReader(broken)))
	if n != 3 || !errors.Is(err, broken) {
		t.Errorf("ReadFrom() = %d, %v, want 3 and the reader's own error", n, err)
	}
}

// A body goes in portions that the line takes within a stall timeout: what takes a second
// is halved, what takes no time is doubled.
func TestPace(t *testing.T) {
	for name, test := range map[string]struct {
		took []time.Duration
		want []int // in KiB, the first portion included
	}{
		"fast":          {slices.Repeat([]time.Duration{time.Millisecond}, 4), []int{32, 64, 128, 256, 256}},
		"slow":          {slices.Repeat([]time.Duration{3 * time.Second}, 5), []int{32, 16, 8, 4, 4, 4}},
		"neither":       {slices.Repeat([]time.Duration{300 * time.Millisecond}, 2), []int{32, 32, 32}},
		"buffers first": {append(slices.Repeat([]time.Duration{0}, 2), slices.Repeat([]time.Duration{10 * time.Second}, 3)...), []int{32, 64, 128, 64, 32, 16}},
		"recovers":      {append(slices.Repeat([]time.Duration{5 * time.Second}, 3), slices.Repeat([]time.Duration{0}, 3)...), []int{32, 16, 8, 4, 8, 16, 32}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &sizes{Reader: bytes.NewReader(make([]byte, 1<<20))}
				c := &Client{opts: Options{StallBytes: 1, StallTimeout: time.Minute}.withDefaults()}
				ctx, dog := stall.Watch(t.Context(), time.Minute, 1, new(atomic.Int64))
				defer dog.End()
				body := &sent{Reader: source, ctx: ctx, client: c, watch: dog}
				for i := range test.want {
					if _, err := body.Read(make([]byte, mostPortion)); err != nil {
						t.Fatal(err)
					}
					if i < len(test.took) {
						time.Sleep(test.took[i])
					}
				}
				var got []int
				for _, size := range source.asked {
					got = append(got, size>>10)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("portions in KiB (-want +got):\n%s", diff)
				}
			})
		})
	}
}
