//go:build linux && !race

package remote

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// tcpPair is a connection, and the server's end.
func tcpPair(t *testing.T, connect func(network, address string) (net.Conn, error)) (ours net.Conn, theirs *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ours, err = connect("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ours.Close(), accepted.Close() })
	return ours, accepted.(*net.TCPConn)
}

func directPair(t *testing.T) (ours net.Conn, theirs *net.TCPConn) {
	t.Helper()
	return tcpPair(t, func(network, address string) (net.Conn, error) {
		c, err := dial(&net.Dialer{})(t.Context(), network, address)
		if err == nil {
			if _, ok := c.(conn).Conn.(*directConn); !ok {
				t.Fatalf("dial() = %T around a %T", c, c.(conn).Conn)
			}
		}
		return c, err
	})
}

func noise(n int) []byte {
	p := make([]byte, n)
	_, _ = rand.Read(p) // never fails
	return p
}

// A write to who has gone is an error, and no signal that ends the program.
func TestDirectConnBrokenPipe(t *testing.T) {
	ours, theirs := directPair(t)
	_ = theirs.Close()
	for {
		_, err := ours.Write(make([]byte, 1<<20))
		if err == nil {
			continue
		}
		if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
			t.Fatalf("Write() = %v, want %v", err, syscall.EPIPE)
		}
		if _, err := ours.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
			t.Fatalf("Write(again) = %v, want %v", err, syscall.EPIPE)
		}
		return
	}
}

// More than fits into the sockets' buffers passes unharmed, both ways at once.
func TestDirectConnPassesAll(t *testing.T) {
	ours, theirs := directPair(t)
	out, in := noise(20<<20+3), noise(20<<20+7)
	go func() { _, _ = theirs.Write(in) }()
	go func() {
		_, _ = ours.Write(out[:10<<20])
		_, _ = ours.(io.ReaderFrom).ReadFrom(bytes.NewReader(out[10<<20:]))
	}()
	received := make(chan []byte)
	go func() {
		p := make([]byte, len(out))
		_, _ = io.ReadFull(theirs, p)
		received <- p
	}()
	got := make([]byte, len(in))
	if _, err := io.ReadFull(ours, got); err != nil || !bytes.Equal(got, in) {
		t.Errorf("what was read differs from what was sent, or %v", err)
	}
	if !bytes.Equal(<-received, out) {
		t.Error("what was written differs from what arrived")
	}
}

func TestDirectConnEnds(t *testing.T) {
	ours, theirs := directPair(t)
	_, _ = theirs.Write([]byte("abc"))
	_ = theirs.CloseWrite()
	if n, err := ours.Read(nil); n != 0 || err != nil {
		t.Errorf("Read(nothing) = %d, %v", n, err)
	}
	if got, err := io.ReadAll(ours); string(got) != "abc" || err != nil {
		t.Errorf("ReadAll() = %q, %v", got, err)
	}
	if n, err := ours.Read(make([]byte, 1)); n != 0 || err != io.EOF { //nolint:errorlint // readers compare
		t.Errorf("Read() at the end = %d, %v, want io.EOF itself", n, err)
	}
}

// The errors are those of a connection of package net.
func TestDirectConnErrors(t *testing.T) {
	readOne := func(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }
	fill := func(c net.Conn) error {
		for {
			if _, err := c.Write(make([]byte, 1<<20)); err != nil {
				return err
			}
		}
	}
	reset := func(_ net.Conn, theirs *net.TCPConn) { _, _ = theirs.SetLinger(0), theirs.Close() }
	deadline := func(ours net.Conn, _ *net.TCPConn) { _ = ours.SetDeadline(time.Now().Add(10 * time.Millisecond)) }
	closed := func(ours net.Conn, _ *net.TCPConn) { _ = ours.Close() }
	later := func(ours net.Conn, _ *net.TCPConn) { time.AfterFunc(20*time.Millisecond, func() { _ = ours.Close() }) }
	for name, test := range map[string]struct {
		happens func(ours net.Conn, theirs *net.TCPConn)
		do      func(net.Conn) error
		want    error
	}{
		"reset while reading":    {reset, readOne, syscall.ECONNRESET},
		"deadline while reading": {deadline, readOne, os.ErrDeadlineExceeded},
		"deadline while writing": {deadline, fill, os.ErrDeadlineExceeded},
		"closed before reading":  {closed, readOne, net.ErrClosed},
		"closed while reading":   {later, readOne, net.ErrClosed},
		"closed while writing":   {later, fill, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			outcome := func(ours net.Conn, theirs *net.TCPConn) *net.OpError {
				test.happens(ours, theirs)
				err := test.do(ours)
				var op *net.OpError
				if !errors.Is(err, test.want) || !errors.As(err, &op) || op.Addr.String() != theirs.LocalAddr().String() {
					t.Fatalf("error = %v, want %v about %s", err, test.want, theirs.LocalAddr())
				}
				op.Source, op.Addr = nil, nil
				return op
			}
			got, want := outcome(directPair(t)), outcome(tcpPair(t, net.Dial))
			if diff := cmp.Diff(want.Error(), got.Error()); diff != "" || got.Timeout() != want.Timeout() {
				t.Errorf("the error differs from package net's (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDirectConnAllocatesNothing(t *testing.T) {
	ours, theirs := directPair(t)
	go func() { _, _ = io.Copy(theirs, theirs) }()
	p := make([]byte, 1024)
	if n := testing.AllocsPerRun(100, func() {
		_, _ = ours.Write(p)
		_, _ = io.ReadFull(ours, p)
	}); n > 0 {
		t.Errorf("%v allocations in a write and a read", n)
	}
}
