package cluster

import (
	"context"
	"fmt"
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
	// lateGrace is how long an answer may take to begin that is asked for after the run has ended, by somebody who
	// sets no bound: an API server that hangs would keep a stopped run up for ever.
	lateGrace = 15 * time.Second
)

// errSilent is why somebody is not waited for after the end of the run.
var errSilent = fmt.Errorf("the API server does not answer within %s", lateGrace)

// RoundTrip implements http.RoundTripper.
func (h heedingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	ctx, answered, end := request.Context(), func() {}, func() {}
	_, bounded := ctx.Deadline()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case request.Method != http.MethodGet:
		ctx, end = heed.Outlasting(context.WithoutCancel(ctx), ctx, writeGrace)
	case h.run.Err() == nil:
		ctx, end = heed.Outlasting(ctx, h.run, readGrace)
	case !bounded: // what is asked after the end takes back what the run did, or tells how it left the cluster
		ctx, answered, end = beginningSoon(ctx)
	}
	request = request.WithContext(ctx)
	response, err := heed.CallLate(ctx, func() (*http.Response, error) {
		return h.RoundTripper.RoundTrip(request)
	}, func(late *http.Response) { _ = late.Body.Close() })
	if err != nil {
		end()
		return nil, err
	}
	answered()
	response.Body = endingBody{response.Body, end}
	return response, nil
}

// beginningSoon is ctx, which also ends lateGrace from now on, unless answered is called before, and when end is.
func beginningSoon(ctx context.Context) (soon context.Context, answered, end func()) {
	soon, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(lateGrace, func() { cancel(errSilent) })
	return soon, func() { timer.Stop() }, func() { timer.Stop(); cancel(nil) }
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
