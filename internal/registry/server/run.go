package server

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"
)

// shutdownTime is how long pulls that are under way may take when the server ends: a Ctrl-C is to end
// everything within two seconds.
const shutdownTime = 1500 * time.Millisecond

// limits bound what clients can make a server hold.
type limits struct {
	// connections is how many are served at a time; others wait to be accepted.
	connections int
	// idle is for how long nothing may move on a connection: between requests, while a client
	// sends a body, while it reads one.
	idle time.Duration
	// header is how long a request's header may take, and how large it may be.
	header      time.Duration
	headerBytes int
}

// common are the limits of Run and Start. A cluster's nodes have some connections each; two
// files are open for one that pulls.
var common = limits{connections: 1024, idle: 2 * time.Minute, header: 10 * time.Second, headerBytes: 64 << 10}

// Run serves handler on listener until ctx ends; pulls under way then have a second and a half.
// The certificate may be nil: then it speaks plain HTTP. A connection on which nothing moves
// for two minutes is closed, and more than 1024 are not served at a time: the others wait.
func Run(ctx context.Context, listener net.Listener, handler http.Handler, certificate *tls.Certificate) error {
	return run(ctx, listener, handler, certificate, common)
}

func run(ctx context.Context, listener net.Listener, handler http.Handler, certificate *tls.Certificate, bounds limits) error {
	server := newServer(ctx, handler, bounds)
	if certificate != nil {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
		defer cancel()
		// Pulls that take too long are cut: that is no failure of the server.
		_ = server.Shutdown(late)
		_ = server.Close()
		close(stopped)
	})
	defer stop()
	err := serve(server, bounds.around(listener))
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

func newServer(ctx context.Context, handler http.Handler, bounds limits) *http.Server {
	// In HTTP/2 one connection has hundreds of requests, each with a window that the client
	// need not open: it would need bounds of its own.
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Protocols:         &protocols,
		Handler:           bounds.bodies(handler),
		ReadHeaderTimeout: bounds.header,
		MaxHeaderBytes:    bounds.headerBytes,
		IdleTimeout:       bounds.idle,
		// A request lives on for a while after ctx has ended.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// around bounds the connections of a listener.
func (l limits) around(listener net.Listener) net.Listener {
	return &watchedListener{netutil.LimitListener(listener, l.connections), l.idle}
}

func serve(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}
