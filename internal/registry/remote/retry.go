package remote

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// errStalled: the connection stayed open and nothing moved.
var errStalled = errors.New("the connection stalled")

// netError is a request that got no answer, or an answer whose body broke off.
type netError struct{ err error }

func (e *netError) Error() string { return e.err.Error() }
func (e *netError) Unwrap() error { return e.err }

// retryable tells whether trying again may help.
func retryable(err error) bool {
	var (
		over    *gaveUpErr
		status  *statusErr
		network *netError
	)
	switch {
	case errors.As(err, &over), errors.Is(err, registry.ErrUnreachable):
		return false
	case errors.Is(err, errStalled):
		return true
	case errors.As(err, &status):
		return status.passing()
	}
	// The end of a context is no netError. One that says "deadline exceeded" is a dial's.
	return errors.As(err, &network) && !permanent(network.err)
}

// gaveUpErr is what an operation ended with when its tries were used up: who called it does
// not begin again.
type gaveUpErr struct{ err error }

func (e *gaveUpErr) Error() string { return e.err.Error() }
func (e *gaveUpErr) Unwrap() error { return e.err }

// permanent tells network errors that no retry mends: a certificate nobody trusts, a name
// nobody knows.
func permanent(err error) bool {
	var (
		certificate *tls.CertificateVerificationError
		authority   x509.UnknownAuthorityError
		hostname    x509.HostnameError
		record      tls.RecordHeaderError
		alert       tls.AlertError
		dns         *net.DNSError
	)
	return errors.Is(err, context.Canceled) || errors.As(err, &certificate) || errors.As(err, &authority) || errors.As(err, &hostname) ||
		errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &dns) && dns.IsNotFound
}

// retry bounds the tries of one operation, in number and in time, both counted from the
// last progress.
type retry struct {
	client *Client
	doing  string
	tries  int
	since  time.Time
}

// The bounds of an operation's tries, and of a registry's that has never answered: there
// the user rather wants to hear of it.
const (
	mostTries        = 10
	mostTriesUnheard = 4
)

func newRetry(c *Client, doing string) *retry {
	return &retry{client: c, doing: doing, since: time.Now()}
}

// progress starts the bounds afresh.
func (r *retry) progress() { r.tries, r.since = 0, time.Now() }

// wait sleeps before the next try, or returns the error to give up with.
func (r *retry) wait(ctx context.Context, cause error) error {
	r.tries++
	delay := r.delay(cause)
	left := r.client.opts.RetryTimeout
	if r.tries > 1 { // one retry there always is, however long the first try took to fail
		left -= time.Since(r.since)
	}
	most := mostTries
	if !r.client.scout.done.Load() {
		most = mostTriesUnheard
	}
	switch {
	case r.tries >= most:
		return &gaveUpErr{fmt.Errorf("%w (gave up after %d tries)", cause, r.tries)}
	case delay > left:
		return &gaveUpErr{fmt.Errorf("%w (gave up: the next try would be in %s, and %s without progress is the bound)",
			cause, delay.Round(time.Second), r.client.opts.RetryTimeout)}
	}
	return r.pause(ctx, cause, delay)
}

// pause sleeps before another try, which is counted and told.
func (r *retry) pause(ctx context.Context, cause error, delay time.Duration) error {
	r.client.opts.Traffic.Retries.Add(1)
	r.client.opts.Notice(fmt.Sprintf("%s: %s: %v; trying again in %s", r.client.opts.Side, r.doing, cause, delay.Round(time.Millisecond)))
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// delay obeys the registry where it says how long, and else doubles from 100 ms to 15 s,
// give or take a quarter, so that many clients do not come back at once. "Retry-After: 0" is
// no leave to hammer.
func (r *retry) delay(cause error) time.Duration {
	var status *statusErr
	if errors.As(cause, &status) && status.asked && status.retryAfter > 0 {
		return status.retryAfter
	}
	delay := min(15*time.Second, 50*time.Millisecond<<min(r.tries, 20))
	return delay*3/4 + rand.N(delay/2)
}
