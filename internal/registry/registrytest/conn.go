package registrytest

import (
	"context"
	"net"
	"net/http"
)

type connKey struct{}

// ConnContext is for http.Server: it shows faults the connection of a request. Without it,
// as over HTTP/2, every faults.Ending but Stall leaves it to the server how to break off.
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

// ConnOf is the TCP connection of a request, as ConnContext has kept it; nil where there is none.
func ConnOf(r *http.Request) *net.TCPConn {
	conn, _ := r.Context().Value(connKey{}).(net.Conn)
	return tcpOf(conn)
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
