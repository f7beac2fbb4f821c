package remote

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

// call is one request, in a form that can be sent again.
type call struct {
	op     string // for errors: "fetching manifest"
	ref    string // for errors, with the host
	method string
	// path begins with /v2/; url, where set, stands in its place.
	path   string
	url    *url.URL
	need   access
	header http.Header
	// body returns the content of size bytes, again for each try; nil has none.
	body func() (io.Reader, error)
	size int64
	// accept are the statuses of success.
	accept []int
	// stay does not follow redirects.
	stay bool
}

// do sends a call until it is answered or the retries are used up. The caller closes the
// response's body, which holds a place at the gate until then.
func (c *Client) do(ctx context.Context, call call) (*http.Response, error) {
	retry := newRetry(c, call.op+" "+call.ref)
	for {
		resp, err := c.try(ctx, call)
		if err == nil {
			return resp, nil
		}
		if !retryable(err) {
			return nil, c.failure(call, c.unheard(ctx, err))
		}
		if err := retry.wait(ctx, err); err != nil {
			return nil, c.failure(call, c.unheard(ctx, err))
		}
	}
}

// unheard notes that the registry cannot be reached at all, so that the run's other
// requests do not each find that out for themselves.
func (c *Client) unheard(ctx context.Context, err error) error {
	var network *netError
	if c.scout.done.Load() || ctx.Err() != nil || !errors.As(err, &network) && !errors.Is(err, errStalled) {
		return err
	}
	dead := error(&unreachableErr{err})
	c.scout.dead.CompareAndSwap(nil, &dead)
	return dead
}

// unreachableErr is a registry that never answered.
type unreachableErr struct{ err error }

func (e *unreachableErr) Error() string        { return e.err.Error() }
func (e *unreachableErr) Unwrap() error        { return e.err }
func (e *unreachableErr) Is(target error) bool { return target == registry.ErrUnreachable }

// try sends a call once, but for what authentication makes necessary.
func (c *Client) try(ctx context.Context, call call) (*http.Response, error) {
	release, err := c.gate.enter(ctx)
	if err != nil {
		return nil, err
	}
	resp, err := c.authorized(ctx, call)
	if err != nil {
		release()
		return nil, err
	}
	if !slices.Contains(call.accept, resp.StatusCode) {
		status := c.statusError(resp)
		release()
		c.slowDown(status)
		return nil, status
	}
	c.gate.answered()
	resp.Body.(*received).release = release
	return resp, nil
}

// slowDown lowers the cap where the registry says that it is busy.
func (c *Client) slowDown(status *statusErr) {
	if !status.busy() {
		return
	}
	if limit, changed := c.gate.lower(); changed {
		c.opts.Notice(fmt.Sprintf("%s: %s is busy (%d): at most %d requests at once for now",
			c.opts.Side, c.host, status.code, limit))
	}
}

// mostAuthRounds is the first try, one with a token, one with a new token, and one with
// a token for this request alone.
const mostAuthRounds = 4

// authorized sends a call with the credentials that the registry asks for.
func (c *Client) authorized(ctx context.Context, call call) (*http.Response, error) {
	for round := 1; ; round++ {
		resp, used, again, err := c.once(ctx, call)
		if err != nil {
			return nil, err
		}
		if resp.StatusCode != http.StatusUnauthorized || !c.isOwn(resp.Request.URL) {
			c.auth.noteServed(used)
			return resp, nil
		}
		status := c.statusError(resp)
		if !again || round == mostAuthRounds {
			return nil, c.auth.refuse(status, used)
		}
		if round == mostAuthRounds-1 && !c.auth.narrowTo(call.need) {
			return nil, c.auth.refuse(status, used)
		}
	}
}

// once sends a call once. Again tells that a 401 taught something that may help.
func (c *Client) once(ctx context.Context, call call) (resp *http.Response, used string, again bool, err error) {
	finish, err := c.lookAhead(ctx)
	if err != nil {
		return nil, "", false, err
	}
	defer func() { finish(err == nil) }()
	req, err := c.request(call)
	if err != nil {
		return nil, "", false, err
	}
	if c.isOwn(req.URL) {
		if used, err = c.auth.authorize(ctx, req, call.need); err != nil {
			return nil, "", false, err
		}
	}
	resp, err = c.send(ctx, req, call.stay)
	if c.otherScheme(resp, err) {
		resp, err = c.tryOtherScheme(ctx, call, resp, err)
	}
	// A stranger to which the registry has sent us has no say in how to log in.
	if err == nil && resp.StatusCode == http.StatusUnauthorized && c.isOwn(resp.Request.URL) {
		again, err = c.auth.reject(ctx, resp, call.need, used)
		if err != nil {
			drain(resp.Body)
		}
	}
	return resp, used, again, err
}

// isOwn tells whether an address is the registry itself, which gets our credentials. Only
// who has looked ahead may ask.
func (c *Client) isOwn(address *url.URL) bool {
	own := url.URL{Scheme: c.scout.scheme, Host: c.host}
	return sameHost(&own, address) || sameServer(&own, address)
}

func (c *Client) request(call call) (*http.Request, error) {
	target := call.url
	if target == nil {
		parsed, err := url.Parse(c.base() + call.path)
		if err != nil {
			return nil, err
		}
		if path.Clean(parsed.Path) != strings.TrimSuffix(parsed.Path, "/") {
			return nil, fmt.Errorf("%q leads out of its repository", parsed.Path)
		}
		target = parsed
	}
	req, err := http.NewRequest(call.method, target.String(), nil) //nolint:noctx // send adds the context
	if err != nil {
		return nil, err
	}
	for key, values := range call.header {
		req.Header[key] = values
	}
	if call.body == nil {
		return req, nil
	}
	body, err := call.body()
	if err != nil {
		return nil, err
	}
	req.ContentLength = call.size
	req.Body = io.NopCloser(body)
	if call.size == 0 {
		req.Body = http.NoBody
	}
	return req, nil
}

// failure is the error that a call ends with; the hint says what a user can do.
func (c *Client) failure(call call, err error) error {
	failed := &registry.Error{Op: call.op, Side: c.opts.Side, Ref: call.ref, Err: err}
	var inner *registry.Error
	switch {
	case errors.As(err, &inner):
		failed.Err, failed.Hint = inner.Err, inner.Hint
	case errors.Is(err, registry.ErrForbidden):
		failed.Hint = c.forbiddenHint(call)
	case call.need.push && errors.Is(err, registry.ErrRepositoryUnknown):
		failed.Hint = fmt.Sprintf("%s does not create repositories on push: create %s first", c.host, call.need.repository)
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

func (c *Client) forbiddenHint(call call) string {
	what := "read"
	if call.need.push {
		what = "write to"
	}
	return fmt.Sprintf("the credentials for the %s %s may not %s %s: ask for that permission, or check the repository's name",
		c.opts.Side, c.host, what, call.need.repository)
}
