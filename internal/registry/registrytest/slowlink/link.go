// Package slowlink makes loopback as slow and as far away as a real network, for tests and measurements.
package slowlink

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Options say what a Link is like. The zero value is a link without delay or limit.
type Options struct {
	// RTT is the round trip time: half of it in each direction, and one whole before
	// the first byte of a connection, as a TCP handshake costs.
	RTT time.Duration
	// Bandwidth bounds all connections together, in bytes a second, each direction
	// for itself; 0 is unbounded.
	Bandwidth int64
	// PerConnection bounds each connection in the same way; 0 is unbounded.
	PerConnection int64
}

// Link is a TCP proxy on loopback that behaves like a longer and thinner wire. Every
// byte leaves RTT/2 after it came, no earlier than both bandwidths allow, and those
// times are reckoned and not slept for one after the other, so that a late wake-up
// does not slow the link down. There is no loss and no slow start. Ends of streams and
// resets pass through. Create one with New.
type Link struct {
	opts     Options
	upstream string
	listener net.Listener

	toServer, toClient track
	connections        atomic.Int64

	mu     sync.Mutex
	open   map[net.Conn]struct{}
	closed bool
	wg     sync.WaitGroup
}

// track is what all connections share in one direction.
type track struct {
	shared  limiter
	carried atomic.Int64
}

// Counts is what a Link has carried so far.
type Counts struct {
	// ToServer and ToClient are bytes delivered, everything above TCP: headers and TLS too.
	ToServer, ToClient int64
	// Connections counts the connections that clients opened.
	Connections int64
}

// New listens on a free loopback port and forwards to upstream, a host:port.
// The caller closes the link.
func New(upstream string, opts Options) (*Link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting a link to %s: %w", upstream, err)
	}
	l := &Link{opts: opts, upstream: upstream, listener: listener, open: map[net.Conn]struct{}{}}
	l.toServer.shared.rate = opts.Bandwidth
	l.toClient.shared.rate = opts.Bandwidth
	l.wg.Go(l.accept)
	return l, nil
}

// Addr is the host:port that clients connect to.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Counts tells what the link has carried so far.
func (l *Link) Counts() Counts {
	return Counts{
		ToServer:    l.toServer.carried.Load(),
		ToClient:    l.toClient.carried.Load(),
		Connections: l.connections.Load(),
	}
}

// Close ends the link and every connection over it, and returns when nothing of it
// runs any more.
func (l *Link) Close() error {
	l.mu.Lock()
	l.closed = true
	err := l.listener.Close()
	for conn := range l.open {
		_ = conn.Close()
	}
	l.mu.Unlock()
	l.wg.Wait()
	return err
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond) // out of descriptors, say: others will be freed
			continue
		}
		l.connections.Add(1)
		l.wg.Go(func() { l.carry(client.(*net.TCPConn), time.Now().Add(l.opts.RTT)) })
	}
}

// carry forwards one connection, whose handshake ends at established.
func (l *Link) carry(client *net.TCPConn, established time.Time) {
	defer client.Close()
	conn, err := net.Dial("tcp", l.upstream)
	if err != nil {
		reset(client)
		return
	}
	server := conn.(*net.TCPConn)
	defer server.Close()
	if !l.track(client, server) {
		return
	}
	defer l.untrack(client, server)

	var both sync.WaitGroup
	both.Go(func() { l.lane(&l.toServer, established).run(server, client) })
	both.Go(func() { l.lane(&l.toClient, established).run(client, server) })
	both.Wait()
}

func (l *Link) lane(t *track, established time.Time) *lane {
	return &lane{
		track:       t,
		own:         limiter{rate: l.opts.PerConnection},
		delay:       l.opts.RTT / 2,
		established: established,
		chunks:      make(chan chunk, l.window()),
	}
}

// window is how many chunks one direction of one connection holds: enough that neither
// the delay nor a late wake-up leaves the wire idle.
func (l *Link) window() int {
	const (
		slack       = 200 * time.Millisecond
		fastest     = 1 << 30 // what loopback gives, about
		least, most = 16, 64  // 4 and 16 MiB
	)
	rate := int64(fastest)
	if l.opts.Bandwidth > 0 {
		rate = min(rate, l.opts.Bandwidth)
	}
	if l.opts.PerConnection > 0 {
		rate = min(rate, l.opts.PerConnection)
	}
	inFlight := float64(rate) * (l.opts.RTT/2 + slack).Seconds()
	return min(most, max(least, int(inFlight)/chunkSize))
}

func (l *Link) track(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		l.open[conn] = struct{}{}
	}
	return !l.closed
}

func (l *Link) untrack(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		delete(l.open, conn)
	}
}

// reset closes a connection so that the other end sees ECONNRESET.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}
