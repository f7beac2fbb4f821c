package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/auth"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/proxies"
)

// Request is one request, in a form that can be sent again.
type Request struct {
	// Op is what is being done, for errors: "fetching manifest".
	Op string
	// Ref is what it is done to, for errors, with the host.
	Ref    string
	Method string
	// Path begins with /v2/, and may end in a query; URL, where set, stands in its place.
	Path string
	URL  *url.URL
	// Need is what the registry has to allow.
	Need   Access
	Header http.Header
	// Body returns the content of Size bytes, again for each try; nil has none.
	Body func() (io.Reader, error)
	// Size is -1 where only the content's end tells.
	Size int64
	// Accept are the statuses of success; any other is a StatusError.
	Accept []int
	// Enough, where set, is asked before each retry: true gives up, as where all tries are used up.
	Enough func(ctx context.Context, cause error) bool
	// Stay does not follow redirects.
	Stay bool
}

// Do sends a request until it is answered or the retries are used up. The error is a
// registry.Error, see Failure. The caller closes the response, which holds a place among the
// requests in flight until then.
func (c *Client) Do(ctx context.Context, request Request) (*Response, error) {
	retry := c.NewRetry(request.Op + " " + request.Ref)
	for {
		resp, err := c.Try(ctx, request)
		if err == nil || errors.Is(err, registry.ErrNotFound) {
			c.concluded(ctx)
		}
		if err == nil {
			return resp, nil
		}
		if !Retryable(err) {
			return nil, c.Failure(request, c.unheard(ctx, err))
		}
		if request.Enough != nil && request.Enough(ctx, err) {
			return nil, c.Failure(request, &GaveUpError{err})
		}
		if err := retry.Wait(ctx, err); err != nil {
			return nil, c.Failure(request, c.unheard(ctx, err))
		}
	}
}

// unheard notes that the registry cannot be reached at all, so that the run's other
// requests do not each find that out for themselves.
func (c *Client) unheard(ctx context.Context, err error) error {
	var network *NetError
	if c.contact.done.Load() || ctx.Err() != nil || !errors.As(err, &network) && !errors.Is(err, errStalled) {
		return err
	}
	dead := error(&causeError{err, registry.ErrUnreachable})
	c.contact.dead.CompareAndSwap(nil, &dead)
	return dead
}

// causeError is an error with its cause for errors.Is, which its text says in other words.
type causeError struct{ err, cause error }

func (e *causeError) Error() string        { return e.err.Error() }
func (e *causeError) Unwrap() error        { return e.err }
func (e *causeError) Is(target error) bool { return target == e.cause }

// Try sends a request once, but for what authentication makes necessary. Its error is the
// bare cause, for a Retry to judge or for Failure to name.
func (c *Client) Try(ctx context.Context, request Request) (*Response, error) {
	release, err := c.gate.Enter(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.authorized(ctx, request)
	if err != nil {
		release()
		return nil, err
	}
	if !slices.Contains(request.Accept, resp.StatusCode) {
		status := c.statusError(resp)
		if !c.isOwn(resp.Request.URL) {
			status.From = resp.Request.URL.Host
		}
		release()
		c.slowDown(status)
		return nil, proxies.Func(c.transport.Proxy).Refusal(resp.Request, status)
	}
	c.gate.Answered()
	body := resp.Body.(*received)
	body.release = release
	return &Response{Response: resp, body: body}, nil
}

// slowDown lowers the cap where the registry says that it is busy.
func (c *Client) slowDown(status *StatusError) {
	if !status.Busy() {
		return
	}
	if limit, changed := c.gate.Lower(); changed {
		c.Notice("is busy (%d): at most %d requests at once for now", status.Code, limit)
	}
}

// authorized sends a request with the credentials that the registry asks for.
func (c *Client) authorized(ctx context.Context, request Request) (*http.Response, error) {
	attempt := c.auth.Begin(request.Need)
	for {
		resp, err := c.once(ctx, request, attempt)
		if err != nil {
			return nil, c.denied(request, attempt, nil, err)
		}
		if !(&StatusError{Code: resp.StatusCode}).Passing() {
			c.recovered()
		}
		if c.refusesExpect(resp) {
			drain(resp.Body)
			continue
		}
		// A stranger to which the registry has sent us has no say in how to log in.
		refused := resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden
		if !refused || !c.isOwn(resp.Request.URL) {
			if !(&StatusError{Code: resp.StatusCode}).Passing() {
				c.served.Add(1)
			}
			attempt.Served()
			return resp, nil
		}
		status := c.statusError(resp)
		again := false
		if !status.Full() {
			if again, err = attempt.Refused(ctx, resp.StatusCode, resp.Header); err != nil {
				return nil, err
			}
		}
		if again {
			continue
		}
		err = c.denied(request, attempt, resp.Header, status)
		attempt.GiveUp(resp.StatusCode, err)
		return nil, err
	}
}

// denied says of a refusal to whom it was given, and for what.
func (c *Client) denied(request Request, attempt *auth.Attempt, header http.Header, err error) error {
	if !errors.Is(err, registry.ErrUnauthorized) && !errors.Is(err, registry.ErrForbidden) {
		return err
	}
	var ways []string
	for _, way := range auth.Unknown(header) {
		ways = append(ways, c.Printable(way))
	}
	return &registry.AccessError{
		Repository: request.Need.Repository, Push: request.Need.Push, Delete: request.Need.Delete,
		Anonymous: attempt.Anonymous(), Ways: ways, Err: err,
	}
}

// once sends a request once.
func (c *Client) once(ctx context.Context, request Request, attempt *auth.Attempt) (resp *http.Response, err error) {
	finish, err := c.lookAhead(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { finish(err == nil) }()
	req, err := c.build(request)
	if err != nil {
		return nil, err
	}
	if c.isOwn(req.URL) {
		if err := attempt.Authorize(ctx, req); err != nil {
			return nil, err
		}
	}
	resp, err = c.send(ctx, req, request.Stay)
	if c.otherScheme(resp, err) {
		resp, err = c.tryOtherScheme(ctx, request, resp, err)
	}
	return resp, err
}

// isOwn tells whether an address is the registry itself, which gets our credentials. Only
// who has looked ahead may ask.
func (c *Client) isOwn(address *url.URL) bool {
	own := url.URL{Scheme: c.contact.scheme, Host: c.host}
	return sameHost(&own, address) || sameServer(&own, address)
}

func (c *Client) build(request Request) (*http.Request, error) {
	target := request.URL
	if target == nil {
		parsed, err := url.Parse(c.base() + request.Path)
		if err != nil {
			return nil, err
		}
		if path.Clean(parsed.Path) != strings.TrimSuffix(parsed.Path, "/") {
			return nil, fmt.Errorf("%q leads out of its repository", parsed.Path)
		}
		target = parsed
	}
	req, err := http.NewRequest(request.Method, target.String(), nil) //nolint:noctx // send adds the context
	if err != nil {
		return nil, err
	}
	for key, values := range request.Header {
		req.Header[key] = values
	}
	if request.Body == nil {
		return req, nil
	}
	body, err := request.Body()
	if err != nil {
		return nil, err
	}
	req.ContentLength = request.Size
	req.Body = io.NopCloser(body)
	if request.Size == 0 {
		req.Body = http.NoBody
	}
	return req, nil
}

// Failure is the error that a request ends with: it names the operation and the side.
func (c *Client) Failure(request Request, err error) error {
	var named *registry.Error
	if errors.As(err, &named) {
		err = named.Err
	}
	var access *registry.AccessError
	missing := request.Need.Push && errors.Is(err, registry.ErrRepositoryUnknown)
	if !errors.As(err, &access) && (missing || errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden)) {
		var status *StatusError
		elsewhere := ""
		if errors.As(err, &status) {
			elsewhere = status.From
		}
		err = &registry.AccessError{
			Repository: request.Need.Repository, Push: request.Need.Push, Delete: request.Need.Delete, Elsewhere: elsewhere, Err: err,
		}
	}
	return &registry.Error{Op: request.Op, Side: c.opts.Side, Host: c.host, Ref: request.Ref, Err: err}
}
