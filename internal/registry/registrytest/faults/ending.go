package faults

import (
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
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
	if tcp := registrytest.ConnOf(r); tcp != nil && r.ProtoMajor == 1 {
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
