package serve

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"time"
)

// shutdownTime is how long pulls that are under way may take when the server ends.
const shutdownTime = 5 * time.Second

// Run serves handler on listener until ctx ends; pulls under way then have a few seconds.
// The certificate may be nil: then it speaks plain HTTP.
func Run(ctx context.Context, listener net.Listener, handler http.Handler, certificate *tls.Certificate) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		// A request lives on for a while after ctx has ended.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
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
	err := serve(server, listener)
	if !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-stopped
	return nil
}

func serve(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}
