package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// mostPortion is how much of a body is read, hashed and written at a time where all goes well.
// Each portion costs system calls, and what the scheduler makes of them: with the 32 KiB of
// io.Copy, copying a release took a tenth more processor time than with 128 KiB, and that some
// hundredths more than this. A portion larger than net/http's own buffer is not copied through it.
const mostPortion = 256 << 10

var portions = sync.Pool{New: func() any { return new([mostPortion]byte) }}

func dialer(opts Options) *net.Dialer {
	return &net.Dialer{Timeout: opts.StallTimeout, KeepAlive: 30 * time.Second}
}

// dial connects as dialer does, and gives connections that send bodies in large portions.
func dial(dialer *net.Dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return newConn(c), nil
	}
}

// conn is a connection without TLS, or what is below it.
//
// A server that refuses a body while it comes answers, and closes the connection, some at once: the
// answer is here, and the next write fails. net/http would give that failure out as what became of the
// request, so that a write that fails leaves time for the answer to be read.
type conn struct {
	net.Conn
	heard chan struct{} // closed when there is nothing more to read
	once  sync.Once

	gathers atomic.Bool   // see connUse.gather
	ahead   *bufio.Reader // nil until then
	arrived atomic.Int64  // bytes in it
}

func newConn(c net.Conn) *conn { return &conn{Conn: c, heard: make(chan struct{})} }

// answerGrace is more than it takes to read an answer that has arrived.
const answerGrace = 500 * time.Millisecond

func (c *conn) Read(p []byte) (int, error) {
	n, err := c.read(p)
	if err != nil {
		c.once.Do(func() { close(c.heard) })
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.hearOut(err)
	return n, err
}

// ReadFrom implements io.ReaderFrom, which net/http sends bodies with. TLS writes its own
// records, and does not come by here.
func (c *conn) ReadFrom(r io.Reader) (int64, error) {
	portion := portions.Get().(*[mostPortion]byte)
	defer portions.Put(portion)
	return io.CopyBuffer(struct{ io.Writer }{c}, r, portion[:])
}

// hearOut waits, where a write has failed, until what the other side has said is read.
func (c *conn) hearOut(err error) {
	if err == nil || errors.Is(err, net.ErrClosed) {
		return
	}
	select {
	case <-c.heard:
	case <-time.After(answerGrace):
	}
}
