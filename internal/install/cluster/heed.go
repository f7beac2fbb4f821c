package cluster

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"
)

// heed calls f, and does not wait for it any more once the context has ended: what f then comes to is
// for late.
func heed[T any](ctx context.Context, f func() (T, error), late func(T)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		value, err := f()
		done <- outcome{value, err}
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		go func() {
			if o := <-done; o.err == nil {
				late(o.value)
			}
		}()
		var none T
		return none, context.Cause(ctx)
	}
}

// discovering asks what the cluster serves: client-go takes no context for that, sends one request after the
// other, and repeats each that fails.
func discovering[T any](ctx context.Context, ask func() (T, error)) (T, error) {
	return heed(ctx, ask, func(T) {})
}

// heeding is config with all of its credentials in a transport that lets go of a request when its
// context ends. Client-go asks the plugin of a kubeconfig for credentials without a context, and
// those reach out to clouds. Helm and discovery send requests without one: those that only read, and
// were under way when the run's context ended, are let go of, too.
func heeding(run context.Context, config *rest.Config) (*rest.Config, error) {
	transport, err := rest.TransportFor(config)
	if err != nil {
		return nil, err
	}
	host := config.Host
	if !strings.Contains(host, "://") { // whether it speaks TLS is told by what is left out below
		url, _, err := rest.DefaultServerUrlFor(config)
		if err != nil {
			return nil, err
		}
		host = url.String()
	}
	return &rest.Config{
		Host: host, APIPath: config.APIPath, ContentConfig: config.ContentConfig, UserAgent: config.UserAgent,
		WarningHandler: config.WarningHandler, QPS: config.QPS, Burst: config.Burst, Timeout: config.Timeout,
		Transport: heedingTransport{transport, run},
	}, nil
}

type heedingTransport struct {
	http.RoundTripper
	run context.Context
}

// readGrace is how long an answer may still take that somebody waits for who does not know that
// the run is over.
const readGrace = time.Second

// RoundTrip implements http.RoundTripper.
func (h heedingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, end := request.Context(), func() {}
	// What is sent after the end takes back what the run did.
	if request.Method == http.MethodGet && h.run.Err() == nil {
		ctx, end = outlasting(ctx, h.run)
		request = request.WithContext(ctx)
	}
	response, err := heed(ctx, func() (*http.Response, error) {
		return h.RoundTripper.RoundTrip(request)
	}, func(late *http.Response) { _ = late.Body.Close() })
	if err != nil {
		end()
		return nil, err
	}
	response.Body = endingBody{response.Body, end}
	return response, nil
}

// outlasting is ctx, which also ends a while after run has.
func outlasting(ctx, run context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(run, func() {
		time.AfterFunc(readGrace, func() { cancel(context.Cause(run)) })
	})
	return ctx, func() { stop(); cancel(nil) }
}

// endingBody ends the context of its request when it is closed.
type endingBody struct {
	io.ReadCloser
	end func()
}

// Close implements io.Closer.
func (b endingBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
