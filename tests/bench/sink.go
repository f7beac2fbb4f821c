package main

import (
	"io"
	"net"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest/slowlink"
)

// startSink listens at the end of the target's link, and throws away what comes. It returns the address
// that clients connect to.
func (b *bench) startSink() string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	b.check(err)
	b.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	link, err := slowlink.New(listener.Addr().String(), b.opts.target)
	b.check(err)
	b.Cleanup(func() { _ = link.Close() })
	return link.Addr()
}
