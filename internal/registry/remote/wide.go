package remote

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
)

// wideCopy is the piece in which bodies are handed to the kernel. net/http's own 32 KiB cost
// a fifth more system time for a release of 1.6 GB.
const wideCopy = 128 << 10

var wideBuffers = sync.Pool{New: func() any { return new([wideCopy]byte) }}

// wideConn is a connection that copies request bodies in large pieces.
type wideConn struct{ *net.TCPConn }

// ReadFrom implements io.ReaderFrom, which net/http uses for bodies.
func (c wideConn) ReadFrom(r io.Reader) (int64, error) {
	buffer := wideBuffers.Get().(*[wideCopy]byte)
	defer wideBuffers.Put(buffer)
	// Bare, so that neither side's own way of copying, with its own buffers, is taken.
	return io.CopyBuffer(struct{ io.Writer }{c.TCPConn}, struct{ io.Reader }{r}, buffer[:])
}

func dialer(opts Options) func(ctx context.Context, network, address string) (net.Conn, error) {
	plain := &net.Dialer{Timeout: opts.StallTimeout, KeepAlive: 30 * time.Second}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := plain.DialContext(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok {
			return wideConn{tcp}, nil
		}
		return conn, err
	}
}
