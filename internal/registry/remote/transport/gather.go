package transport

import (
	"bufio"
	"net/http"
)

const (
	// readAhead is how much of what has arrived is read at once of a large body over TLS.
	readAhead = 96 << 10
	// mostRecord is the most that a record of TLS takes on the wire (RFC 5246, 6.2.3): of so many
	// bytes one is whole.
	mostRecord = 5 + 16<<10 + 2<<10
)

// gather has a large body over TLS read as much at a time as has arrived, and returns the connection
// that does so, below TLS. Package crypto/tls gives out a record at a time, of at most 16 KiB: sent on
// one by one, each would cost an upload two small records of framing besides. Without TLS a read gives
// all that is there anyway, and nil is returned.
func (u *connUse) gather(resp *http.Response) *conn {
	c := u.belowTLS.Load()
	if c == nil || resp.ContentLength < readAhead {
		return nil
	}
	c.gathers.Store(true)
	return c
}

// read reads ahead where it is to gather. Package crypto/tls calls it once at a time.
func (c *conn) read(p []byte) (int, error) {
	if !c.gathers.Load() {
		return c.Conn.Read(p)
	}
	if c.ahead == nil {
		c.ahead = bufio.NewReaderSize(c.Conn, readAhead)
	}
	n, err := c.ahead.Read(p)
	c.arrived.Store(int64(c.ahead.Buffered()))
	return n, err
}

// hasRecord tells that a whole record has arrived, so that reading it waits for nothing.
func (c *conn) hasRecord() bool { return c != nil && c.arrived.Load() >= mostRecord }

// gather reads what has arrived. It waits for the first bytes alone: what is there may not be held
// back for what is still to come.
func (r *received) gather(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	for err == nil && n < len(p) && r.conn.hasRecord() {
		var more int
		more, err = r.ReadCloser.Read(p[n:])
		n += more
	}
	return n, err
}
