package files

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
)

// BufferSize is that of the buffers between disk, hash and network, in bytes.
const BufferSize = 256 << 10

// buffers are shared by everything that copies, so that memory stays bounded by what is
// in flight.
var buffers = sync.Pool{New: func() any { b := make([]byte, BufferSize); return &b }}

// Buffer lends a buffer of BufferSize bytes. Release gives it back.
func Buffer() *[]byte { return buffers.Get().(*[]byte) }

// Release gives a buffer back that Buffer lent; nobody uses it any more.
func Release(buffer *[]byte) { buffers.Put(buffer) }

// Until is r until ctx ends; what is read after that fails with the context's cause. A
// Read that waits is not woken.
func Until(ctx context.Context, r io.Reader) io.Reader { return stoppable{ctx, r} }

// stoppable shows no other method of its reader, by which a copy would go round its buffer.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s stoppable) Read(p []byte) (int, error) {
	if s.ctx.Err() != nil {
		return 0, context.Cause(s.ctx)
	}
	return s.r.Read(p)
}

// Keep copies r, a pipe perhaps, to f, and tells how many bytes there were. A pipe may be
// silent for ever: once ctx ends nobody waits for it any more. Where Keep fails it closes f,
// at once or as soon as the reader lets go of it.
func Keep(ctx context.Context, f *os.File, r io.Reader) (int64, error) {
	var n int64
	done := make(chan error, 1)
	go func() {
		buffer := Buffer()
		defer Release(buffer)
		var err error
		n, err = io.CopyBuffer(struct{ io.Writer }{f}, Until(ctx, r), *buffer)
		if err == nil && ctx.Err() != nil {
			err = context.Cause(ctx) // nobody waits for the file any more
		}
		if err != nil {
			err = errors.Join(err, f.Close())
		}
		done <- err
	}()
	select {
	case err := <-done:
		return n, err
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}
