package cluster

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"k8s.io/client-go/rest"

	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// heeding is config with all of its credentials in a transport that lets go of a request when its
// context ends. Client-go asks the plugin of a kubeconfig for credentials without a context, and
// those reach out to clouds. Helm and discovery send requests without one: those that only read, and
// were under way when the run's context ended, are let go of, too. The answer to what changes
// something is waited for a little longer than its context lasts.
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

const (
	// readGrace is how long an answer may still take that somebody waits for who does not know that
	// the run is over.
	readGrace = time.Second
	// writeGrace is how long the answer to a change may still take. Without it nobody knew whether what
	// was sent has been done, and what takes it back could be there before it.
	writeGrace = time.Second
)

// RoundTrip implements http.RoundTripper.
func (h heedingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, end := request.Context(), func() {}
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case request.Method != http.MethodGet:
		ctx, end = heed.Outlasting(context.WithoutCancel(ctx), ctx, writeGrace)
	case h.run.Err() == nil: // what is asked after the end takes back what the run did
		ctx, end = heed.Outlasting(ctx, h.run, readGrace)
	}
	request = request.WithContext(ctx)
	response, err := heed.CallLate(ctx, func() (*http.Response, error) {
		return h.RoundTripper.RoundTrip(request)
	}, func(late *http.Response) { _ = late.Body.Close() })
	if err != nil {
		end()
		return nil, err
	}
	response.Body = endingBody{response.Body, end}
	return response, nil
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
