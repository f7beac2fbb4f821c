package server

import (
	"context"
	"errors"
	"net/netip"
	"runtime"
	"sync"
)

// mostWaiting is how many checks of passwords one client may have to wait for: a node that
// begins a pull asks some dozens of times at once, all with the same password.
const mostWaiting = 64

// errBusy says that a client has too many passwords waiting to be checked.
var errBusy = errors.New("too many passwords at once")

// turns let each client have one password checked at a time, and all clients together as many
// as leave half of the processors to other work. A client that tries passwords without end
// so takes one processor at most, and others wait for one check of its: none is locked out.
type turns struct {
	places chan struct{} // holds a value for each check under way

	mu    sync.Mutex
	lines map[netip.Addr]*line
}

// line is where one client's checks wait.
type line struct {
	length int           // by turns.mu: those that wait, and the one whose turn it is
	turn   chan struct{} // holds a value while it is somebody's turn
}

func newTurns() *turns {
	return &turns{places: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), lines: map[netip.Addr]*line{}}
}

// take waits for a turn of the client's. Whoever gets one calls done after it.
func (t *turns) take(ctx context.Context, client netip.Addr) (done func(), err error) {
	client = household(client)
	l, err := t.join(client)
	if err != nil {
		return nil, err
	}
	for i, wait := range []chan struct{}{l.turn, t.places} {
		select {
		case wait <- struct{}{}:
		case <-ctx.Done():
			if i > 0 {
				<-l.turn
			}
			t.leave(client, l)
			return nil, ctx.Err()
		}
	}
	return func() {
		<-t.places
		<-l.turn
		t.leave(client, l)
	}, nil
}

func (t *turns) join(client netip.Addr) (*line, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.lines[client]
	if l == nil {
		l = &line{turn: make(chan struct{}, 1)}
		t.lines[client] = l
	}
	if l.length >= mostWaiting {
		return nil, errBusy
	}
	l.length++
	return l, nil
}

func (t *turns) leave(client netip.Addr, l *line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.length--; l.length == 0 {
		delete(t.lines, client)
	}
}

// household is what counts as one client: an IPv4 address, or the network of an IPv6 one,
// whose other half anybody can choose.
func household(client netip.Addr) netip.Addr {
	client = client.Unmap().WithZone("")
	if network, err := client.Prefix(64); client.Is6() && err == nil {
		return network.Addr()
	}
	return client
}
