package transport

import (
	"context"
	"io"
	"net"
	"sync"
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
		return conn{c}, nil
	}
}

// conn is a connection without TLS, or what is below it.
type conn struct{ net.Conn }

// ReadFrom implements io.ReaderFrom, which net/http sends bodies with. TLS writes its own
// records, and does not come by here.
func (c conn) ReadFrom(r io.Reader) (int64, error) {
	portion := portions.Get().(*[mostPortion]byte)
	defer portions.Put(portion)
	return io.CopyBuffer(struct{ io.Writer }{c.Conn}, r, portion[:])
}
