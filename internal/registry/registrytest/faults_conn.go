package registrytest

import (
	"net"
	"net/http"
)

// Ending is how a fault ends a transfer before its time.
type Ending int

// The endings. Over HTTP/2, where a handler does not own its connection, Close and
// Reset both reset the stream.
const (
	// Close closes the connection in good order; where the other side is still sending,
	// TCP makes a reset of it.
	Close Ending = iota
	// Reset breaks the connection: the other side sees ECONNRESET.
	Reset
	// Stall keeps it open and moves nothing any more, until the other side gives up.
	Stall
)

// endReply ends the exchange in the midst of its reply. Over HTTP/2 it does so by a panic
// and does not return.
func (e Ending) endReply(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).Flush()
	e.end(w, r)
}

// end ends the exchange before its reply has begun; otherwise it is like endReply.
func (e Ending) end(w http.ResponseWriter, r *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil { // HTTP/2
		if e == Stall {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
	tcp := tcpOf(conn)
	switch {
	case tcp == nil:
		_ = conn.Close()
	case e == Reset:
		reset(tcp)
	case e == Stall:
		waitForHangup(tcp)
		_ = tcp.Close()
	default:
		_ = tcp.Close()
	}
}

// tcpOf finds the TCP connection, below TLS where there is any; nil where there is none.
// Closing that one sends no close_notify, just as a proxy that dies does not.
func tcpOf(conn net.Conn) *net.TCPConn {
	if layered, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = layered.NetConn()
	}
	tcp, _ := conn.(*net.TCPConn)
	return tcp
}
