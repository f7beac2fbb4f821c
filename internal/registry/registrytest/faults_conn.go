package registrytest

import (
	"context"
	"net"
	"net/http"
)

// Ending is how a fault ends a transfer before its time.
type Ending int

// The endings. Over HTTP/2 Close and Reset both reset the stream.
const (
	// Close closes the connection in good order; where the other side is still sending,
	// TCP makes a reset of it.
	Close Ending = iota
	// Reset breaks the connection: the other side sees ECONNRESET.
	Reset
	// Stall keeps it open and moves nothing any more, until the other side gives up.
	Stall
)

// endReply ends the exchange in the midst of its reply, by a panic for the server.
func (e Ending) endReply(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).Flush()
	e.end(w, r)
}

// end ends the exchange before its reply has begun; otherwise it is like endReply. It does
// not take the connection from its server, so that closing the server ends a stall.
func (e Ending) end(_ http.ResponseWriter, r *http.Request) {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	if tcp := tcpOf(conn); tcp != nil && r.ProtoMajor == 1 {
		if e == Stall {
			waitForHangup(tcp)
		}
		if e == Reset {
			_ = tcp.SetLinger(0)
		}
		_ = tcp.Close()
	} else if e == Stall {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}

type connKey struct{}

// ConnContext is for http.Server: it shows faults the connection of a request. Without it,
// as over HTTP/2, every Ending but Stall leaves it to the server how to break off.
//
// It also keeps the connection's receive buffer small: on loopback it would grow until what
// nobody takes any more vanishes in it, and a stalled upload would look like one that is done.
func ConnContext(ctx context.Context, conn net.Conn) context.Context {
	const received = 256 << 10
	if tcp := tcpOf(conn); tcp != nil {
		_ = tcp.SetReadBuffer(received)
	}
	return context.WithValue(ctx, connKey{}, conn)
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
