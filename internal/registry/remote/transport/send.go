package transport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/certificates"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/proxies"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/stall"
)

// expectContinueFrom is the size from which an upload first asks whether it is welcome:
// a registry that wants a new token, or fewer requests, then says so before the bytes are sent.
const expectContinueFrom = 1 << 20

// send sends a request under the watchdog and follows redirects, unless it is to stay. It
// counts what goes over the wire.
func (c *Client) send(ctx context.Context, req *http.Request, stay bool) (*http.Response, error) {
	if stay {
		return c.sendOnce(ctx, req)
	}
	return c.follow(req, func(req *http.Request) (*http.Response, error) { return c.sendOnce(ctx, req) })
}

func (c *Client) sendOnce(ctx context.Context, req *http.Request) (*http.Response, error) {
	ctx, watch := stall.Watch(ctx, c.patience(req), c.opts.StallBytes, &c.opts.Limits.moved)
	if hasBody(req) {
		body := &sent{Reader: req.Body, ctx: ctx, client: c, watch: watch}
		req.Body = body
		if (req.ContentLength >= expectContinueFrom || req.ContentLength < 0) && !c.noExpect.Load() {
			req.Header.Set("Expect", "100-continue")
			ctx = body.expect(ctx)
		}
	}
	noted, conn := noteConn(ctx)
	req = req.WithContext(noted)
	watch.Wait()
	resp, err := c.roundTrip(req)
	if err != nil {
		err = conn.judge(cause(ctx, unwrapNet(err)))
		watch.End()
		return nil, err
	}
	watch.Got(0)
	watch.Reset(c.opts.StallTimeout)
	resp.Body = &received{ReadCloser: resp.Body, ctx: ctx, client: c, watch: watch, conn: conn.gather(resp), release: func() {}}
	return resp, nil
}

// refusesExpect tells that a request was refused because it asked whether it is welcome. None
// asks again.
func (c *Client) refusesExpect(resp *http.Response) bool {
	if resp.StatusCode != http.StatusExpectationFailed || resp.Request.Header.Get("Expect") == "" {
		return false
	}
	c.noExpect.Store(true)
	return true
}

func hasBody(req *http.Request) bool { return req.Body != nil && req.Body != http.NoBody }

// patience is how long a registry may take to answer a request without a body, and to take
// the first bytes of another. The PUT that closes an upload is when the blob is stored.
func (c *Client) patience(req *http.Request) time.Duration {
	if req.Method == http.MethodPut && !hasBody(req) {
		return answerPatience * c.opts.StallTimeout
	}
	return c.opts.StallTimeout
}

// roundTrip counts the request.
func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	req.Header.Set("User-Agent", c.opts.UserAgent)
	req.Header.Set("Accept-Encoding", "identity") // without a word of it some proxies compress
	c.opts.Traffic.Requests.Add(1)
	sent := time.Now()
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return nil, &NetError{Err: c.connectionProblem(req, err)}
	}
	c.observe(req, resp, sent)
	c.answered.Store(req.URL.Host, true)
	return resp, nil
}

// connectionProblem gives what net/http says of a connection the type of its cause.
func (c *Client) connectionProblem(req *http.Request, err error) error {
	host := req.URL.Host
	if proxy := proxies.Func(c.transport.Proxy).Failure(req, err); proxy != nil {
		return proxy
	}
	var dns *net.DNSError
	if _, answered := c.answered.Load(host); answered && errors.As(err, &dns) {
		return &outageErr{err} // names that resolved do so again
	}
	if strings.Contains(err.Error(), "server gave HTTP response to HTTPS client") {
		return &causeError{err, registry.ErrPlainHTTP}
	}
	return certificates.Problem(host, err)
}

func unwrapNet(err error) error {
	var network *NetError
	if errors.As(err, &network) {
		return network.Err
	}
	return err
}
