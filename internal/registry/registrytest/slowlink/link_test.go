package slowlink

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestLinkCarriesBytesUnchanged(t *testing.T) {
	link := newLink(t, echoServer(t), Options{RTT: 2 * time.Millisecond, Bandwidth: 64 << 20})
	sent := make([]byte, 3<<20+17)
	_, _ = rand.Read(sent)

	conn := dial(t, link)
	go func() {
		_, _ = conn.Write(sent)
		_ = conn.CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("ReadAll(echo) = %d bytes, %v, want the %d bytes sent", len(got), err, len(sent))
	}
	want := Counts{ToServer: int64(len(sent)), ToClient: int64(len(sent)), Connections: 1}
	if got := link.Counts(); got != want {
		t.Errorf("Counts() = %+v, want %+v", got, want)
	}
}

// A round trip never takes less than the link promises. How much more it takes is up to
// the machine, so there is no upper bound here.
func TestLinkRoundTrip(t *testing.T) {
	const rtt = 20 * time.Millisecond
	link := newLink(t, echoServer(t), Options{RTT: rtt})
	start := time.Now()
	conn := dial(t, link)
	ping := func() { // on an open connection
		_, _ = conn.Write([]byte("x"))
		if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	ping()
	if got := time.Since(start); got < 2*rtt {
		t.Errorf("handshake and first round trip took %v, want at least %v", got, 2*rtt)
	}
	start = time.Now()
	ping()
	if got := time.Since(start); got < rtt {
		t.Errorf("second round trip took %v, want at least %v", got, rtt)
	}
}

func TestLinkBandwidth(t *testing.T) {
	tests := []struct {
		name  string
		opts  Options
		conns int
		want  time.Duration // for 1 MiB on each connection
	}{
		{"per connection", Options{PerConnection: 10 << 20}, 1, 100 * time.Millisecond},
		{"per connection, two of them", Options{PerConnection: 10 << 20}, 2, 100 * time.Millisecond},
		{"in all", Options{Bandwidth: 20 << 20}, 4, 200 * time.Millisecond},
		{"both", Options{Bandwidth: 20 << 20, PerConnection: 10 << 20}, 4, 200 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name+", down", func(t *testing.T) {
			link := newLink(t, sendingServer(t, 1<<20), tt.opts)
			start := time.Now()
			var all sync.WaitGroup
			for range tt.conns {
				conn := dial(t, link)
				all.Go(func() { _, _ = io.Copy(io.Discard, conn) })
			}
			all.Wait()
			checkPace(t, time.Since(start), tt.want)
		})
		t.Run(tt.name+", up", func(t *testing.T) {
			link := newLink(t, countingServer(t), tt.opts)
			start := time.Now()
			var all sync.WaitGroup
			for range tt.conns {
				conn := dial(t, link)
				all.Go(func() {
					_, _ = conn.Write(make([]byte, 1<<20))
					_ = conn.CloseWrite()
					_, _ = io.Copy(io.Discard, conn) // until the server has it all
				})
			}
			all.Wait()
			checkPace(t, time.Since(start), tt.want)
		})
	}
}

// checkPace is strict towards a link that is too fast, which no busy machine explains,
// and lenient towards a slow one.
func checkPace(t *testing.T, got, want time.Duration) {
	t.Helper()
	if got < want*99/100 {
		t.Errorf("transfer took %v, want at least %v", got, want)
	}
	if got > 10*want+20*time.Second {
		t.Errorf("transfer took %v, want about %v", got, want)
	}
}

func TestLinkPassesResetsOn(t *testing.T) {
	server := serve(t, func(conn *net.TCPConn) {
		_, _ = io.ReadFull(conn, make([]byte, 1))
		reset(conn)
	})
	conn := dial(t, newLink(t, server, Options{}))
	_, _ = conn.Write([]byte("x"))
	if _, err := io.ReadAll(conn); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("ReadAll(reset connection) = %v, want %v", err, syscall.ECONNRESET)
	}
}

func TestLinkToNobodyResets(t *testing.T) {
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	conn, err := net.Dial("tcp", newLink(t, gone.Addr().String(), Options{}).Addr())
	if err == nil { // the reset may come before Dial returns, or after
		defer conn.Close()
		_, err = io.ReadAll(conn)
	}
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("connection to nobody: %v, want %v", err, syscall.ECONNRESET)
	}
}

func TestLinkCloseEndsConnections(t *testing.T) {
	link := newLink(t, echoServer(t), Options{RTT: time.Millisecond})
	conn := dial(t, link)
	_, _ = conn.Write([]byte("x"))
	_, _ = io.ReadFull(conn, make([]byte, 1))
	if err := link.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("Read after Close = nil, want an error")
	}
	if _, err := net.Dial("tcp", link.Addr()); err == nil {
		t.Error("Dial after Close = nil, want an error")
	}
}

// What is ready in time is delivered in time, however late its users wake up.
func TestLimiterLosesNoTime(t *testing.T) {
	start := time.Now()
	l := limiter{rate: 1000}
	for range 10 {
		l.reserve(100, start)
	}
	if got, want := l.reserve(0, start).Sub(start), time.Second; got != want {
		t.Errorf("ten times 100 bytes at 1000 bytes a second pass in %v, want %v", got, want)
	}
	late := start.Add(5 * time.Second)
	if got, want := l.reserve(500, late).Sub(late), 500*time.Millisecond; got != want {
		t.Errorf("500 bytes on an idle wire pass in %v, want %v", got, want)
	}
}

// A wire that was held up may catch up by one chunk, not by all the time it waited.
func TestLimiterSavesUpOneChunk(t *testing.T) {
	start := time.Now()
	l := limiter{rate: 1000}
	l.reserve(100, start)
	held := start.Add(time.Minute)
	l.heldUntil(100, held)
	if got := l.reserve(100, start); !got.Equal(held) {
		t.Errorf("the next chunk passes %v after the one held up, want at once", got.Sub(held))
	}
	if got, want := l.reserve(100, start).Sub(held), 100*time.Millisecond; got != want {
		t.Errorf("the chunk after that passes in %v, want %v", got, want)
	}
}

func newLink(t *testing.T, upstream string, opts Options) *Link {
	t.Helper()
	link, err := New(upstream, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = link.Close() })
	return link
}

func dial(t *testing.T, link *Link) *net.TCPConn {
	t.Helper()
	conn, err := net.Dial("tcp", link.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.(*net.TCPConn)
}

func echoServer(t *testing.T) string {
	return serve(t, func(conn *net.TCPConn) {
		_, _ = io.Copy(conn, conn)
		_ = conn.CloseWrite()
	})
}

func sendingServer(t *testing.T, n int) string {
	return serve(t, func(conn *net.TCPConn) { _, _ = conn.Write(make([]byte, n)) })
}

func countingServer(t *testing.T) string {
	return serve(t, func(conn *net.TCPConn) { _, _ = io.Copy(io.Discard, conn) })
}

// serve runs handle for every connection to a loopback port until the test ends.
func serve(t *testing.T, handle func(*net.TCPConn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				handle(conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		wg.Wait()
	})
	return listener.Addr().String()
}
