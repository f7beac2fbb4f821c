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
	Size int64
	// Accept are the statuses of success; any other is a StatusError.
	Accept []int
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
		if err == nil {
			return resp, nil
		}
		if !Retryable(err) {
			return nil, c.Failure(request, c.unheard(ctx, err))
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
	dead := error(&unreachableErr{err})
	c.contact.dead.CompareAndSwap(nil, &dead)
	return dead
}

// unreachableErr is a registry that never answered.
type unreachableErr struct{ err error }

func (e *unreachableErr) Error() string        { return e.err.Error() }
func (e *unreachableErr) Unwrap() error        { return e.err }
func (e *unreachableErr) Is(target error) bool { return target == registry.ErrUnreachable }

// Try sends a request once, but for what authentication makes necessary. Its error is the
// bare cause, for a Retry to judge or for Failure to name.
func (c *Client) Try(ctx context.Context, request Request) (*Response, error) {
	release, err := c.gate.enter(ctx)
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
		release()
		c.slowDown(status)
		return nil, status
	}
	c.gate.answered()
	body := resp.Body.(*received)
	body.release = release
	return &Response{Response: resp, body: body}, nil
}

// slowDown lowers the cap where the registry says that it is busy.
func (c *Client) slowDown(status *StatusError) {
	if !status.Busy() {
		return
	}
	if limit, changed := c.gate.lower(); changed {
		c.Notice("is busy (%d): at most %d requests at once for now", status.Code, limit)
	}
}

// mostAuthRounds is the first try, one with a token, one with a new token, and one with
// a token for this request alone.
const mostAuthRounds = 4

// authorized sends a request with the credentials that the registry asks for.
func (c *Client) authorized(ctx context.Context, request Request) (*http.Response, error) {
	for round := 1; ; round++ {
		resp, used, again, err := c.once(ctx, request)
		if err != nil {
			return nil, err
		}
		if c.refusesExpect(resp) {
			drain(resp.Body)
			round--
			continue
		}
		if resp.StatusCode != http.StatusUnauthorized || !c.isOwn(resp.Request.URL) {
			c.auth.noteServed(used)
			return resp, nil
		}
		status := c.statusError(resp)
		if !again || round == mostAuthRounds {
			return nil, c.auth.refuse(status, used)
		}
		if round == mostAuthRounds-1 && !c.auth.narrowTo(request.Need) {
			return nil, c.auth.refuse(status, used)
		}
	}
}

// once sends a request once. Again tells that a 401 taught something that may help.
func (c *Client) once(ctx context.Context, request Request) (resp *http.Response, used string, again bool, err error) {
	finish, err := c.lookAhead(ctx)
	if err != nil {
		return nil, "", false, err
	}
	defer func() { finish(err == nil) }()
	req, err := c.build(request)
	if err != nil {
		return nil, "", false, err
	}
	if c.isOwn(req.URL) {
		if used, err = c.auth.authorize(ctx, req, request.Need); err != nil {
			return nil, "", false, err
		}
	}
	resp, err = c.send(ctx, req, request.Stay)
	if c.otherScheme(resp, err) {
		resp, err = c.tryOtherScheme(ctx, request, resp, err)
	}
	// A stranger to which the registry has sent us has no say in how to log in.
	if err == nil && resp.StatusCode == http.StatusUnauthorized && c.isOwn(resp.Request.URL) {
		again, err = c.auth.reject(ctx, resp, request.Need, used)
		if err != nil {
			drain(resp.Body)
		}
	}
	return resp, used, again, err
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

// Failure is the error that a request ends with; the hint says what a user can do.
func (c *Client) Failure(request Request, err error) error {
	failed := &registry.Error{Op: request.Op, Side: c.opts.Side, Ref: request.Ref, Err: err}
	var inner *registry.Error
	switch {
	case errors.As(err, &inner):
		failed.Err, failed.Hint = inner.Err, inner.Hint
	case errors.Is(err, registry.ErrForbidden):
		failed.Hint = c.forbiddenHint(request)
	case request.Need.Push && errors.Is(err, registry.ErrRepositoryUnknown):
		failed.Hint = fmt.Sprintf("%s does not create repositories on push: create %s first", c.host, request.Need.Repository)
	case permanentTrust(err):
		failed.Hint = fmt.Sprintf("if %s uses a private certificate authority, name its file with --ca-file or put it into /etc/docker/certs.d/%s/ca.crt",
			c.host, c.host)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		failed.Hint = fmt.Sprintf("%s speaks plain HTTP: allow that with %s if you trust the network between", c.host, c.plainHTTPFlag())
	case errors.Is(err, registry.ErrUnreachable):
		failed.Hint = fmt.Sprintf("is %s the right name and port, and can this machine reach it?", c.host)
	}
	return failed
}

// plainHTTPFlag is the flag for the client's side: allowing plain HTTP for one registry
// must not open the way to the other's credentials.
func (c *Client) plainHTTPFlag() string {
	if c.opts.Side == registry.SideTarget {
		return "--plain-http"
	}
	return "--source-plain-http"
}

func (c *Client) forbiddenHint(request Request) string {
	what := "read"
	if request.Need.Push {
		what = "write to"
	}
	return fmt.Sprintf("the credentials for the %s %s may not %s %s: ask for that permission, or check the repository's name",
		c.opts.Side, c.host, what, request.Need.Repository)
}
