package slowlink

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// chunkSize is how much one read takes. At 40 MiB a second it is 6 ms of wire: longer
// than a wake-up is late, usually, and that is what a held-up wire can catch up with.
const chunkSize = 256 << 10

var chunkBuffers = sync.Pool{New: func() any { return new([chunkSize]byte) }}

// chunk is bytes under way, or the end of their stream.
type chunk struct {
	buf *[chunkSize]byte
	n   int
	// arrives is when the chunk is at the far end, bandwidth aside.
	arrives time.Time
	// end is set on the last chunk of a stream, which holds no bytes: io.EOF, or what
	// broke the stream.
	end error
}

// lane is one direction of one connection.
type lane struct {
	track       *track
	own         limiter
	delay       time.Duration
	established time.Time
	chunks      chan chunk
}

// run moves bytes from src to dst until src ends or either breaks.
func (l *lane) run(dst, src *net.TCPConn) {
	var reader sync.WaitGroup
	reader.Go(func() { l.read(src) })
	l.write(dst, src)
	reader.Wait()
}

func (l *lane) read(src *net.TCPConn) {
	defer close(l.chunks)
	for {
		buf := chunkBuffers.Get().(*[chunkSize]byte)
		n, err := src.Read(buf[:])
		arrives := later(time.Now(), l.established).Add(l.delay)
		if n > 0 {
			l.chunks <- chunk{buf: buf, n: n, arrives: arrives}
		} else {
			chunkBuffers.Put(buf)
		}
		if err != nil {
			l.chunks <- chunk{arrives: arrives, end: err}
			return
		}
	}
}

func (l *lane) write(dst, src *net.TCPConn) {
	broken := false
	for c := range l.chunks {
		switch {
		case broken: // drained, so that the reader comes to its end
		case c.end != nil:
			time.Sleep(time.Until(c.arrives))
			finish(dst, c.end)
		default:
			l.hold(c)
			if _, err := dst.Write(c.buf[:c.n]); err != nil {
				broken = true
				reset(src)
			} else {
				l.track.carried.Add(int64(c.n))
			}
		}
		if c.buf != nil {
			chunkBuffers.Put(c.buf)
		}
	}
}

// hold returns when the link would have delivered the whole chunk.
func (l *lane) hold(c chunk) {
	ready := l.own.reserve(c.n, c.arrives)
	time.Sleep(time.Until(ready))
	delivered := l.track.shared.reserve(c.n, ready)
	time.Sleep(time.Until(delivered))
	l.own.heldUntil(c.n, delivered)
}

func finish(dst *net.TCPConn, end error) {
	if errors.Is(end, io.EOF) {
		_ = dst.CloseWrite()
		return
	}
	reset(dst)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
