//go:build linux && !race

package remote

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"
)

// directConn is a TCP connection whose system calls the Go scheduler is not told of.
//
// Go's sockets never block: a read or a write lasts as long as its bytes take to copy. The
// scheduler cannot know that. It takes the processor away from a call that lasts longer than
// some microseconds, and a thread of its own wakes all the time to look for such calls; on a
// copy that was a tenth of all processor time, see ADR 0011. What waits for the network does
// so in Go's poller, as ever. (The race detector takes the order of events from what the
// scheduler is told, so that a program built with it has no such connections.)
type directConn struct {
	net.Conn
	raw           syscall.RawConn
	reads, writes half
}

// half is one direction of a connection.
type half struct {
	mu   sync.Mutex // one call at a time
	call func(fd uintptr) (done bool)
	p    []byte
	n    int
	err  error
}

// direct makes a TCP connection direct, and leaves others as they are.
func direct(c net.Conn) net.Conn {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return c
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return c
	}
	d := &directConn{Conn: c, raw: raw}
	// Made once: a function literal in each call would be an allocation in each call.
	d.reads.call = d.reads.caller(syscall.SYS_READ)
	d.writes.call = d.writes.caller(syscall.SYS_WRITE)
	return d
}

// Read implements net.Conn.
func (d *directConn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := d.reads.do(d.raw.Read, p)
	if err != nil {
		return 0, d.failed("read", err)
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (d *directConn) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := d.writes.do(d.raw.Write, p[written:])
		written += n
		if err != nil {
			return written, d.failed("write", err)
		}
	}
	return written, nil
}

// do makes one system call once the connection is ready for it.
func (h *half) do(when func(func(uintptr) bool) error, p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.p, h.n, h.err = p, 0, nil
	defer func() { h.p = nil }()
	if err := when(h.call); err != nil {
		return 0, err
	}
	return h.n, h.err
}

// caller returns what makes the system call, and tells whether it need not be made again once
// the connection is ready.
func (h *half) caller(trap uintptr) func(fd uintptr) bool {
	return func(fd uintptr) bool {
		for {
			n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(h.p))), uintptr(len(h.p)))
			switch errno {
			case 0:
				h.n = int(n)
				return true
			case syscall.EINTR:
			case syscall.EAGAIN:
				return false
			default:
				h.err = errno
				return true
			}
		}
	}
}

// failed makes the error that a connection of package net would give.
func (d *directConn) failed(op string, err error) error {
	var (
		raw   *net.OpError
		errno syscall.Errno
	)
	switch {
	case errors.As(err, &raw):
		err = raw.Err
	case errors.As(err, &errno):
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: d.LocalAddr().Network(), Source: d.LocalAddr(), Addr: d.RemoteAddr(), Err: err}
}
