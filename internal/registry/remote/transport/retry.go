package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/certificates"
)

var errStalled = registry.ErrStalled

// NetError is a request that got no answer, or an answer whose body broke off or is not what
// was asked for.
type NetError struct{ Err error }

// Error is the cause's.
func (e *NetError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *NetError) Unwrap() error { return e.Err }

// Retryable tells whether trying again may help.
func Retryable(err error) bool {
	var (
		over    *GaveUpError
		status  *StatusError
		network *NetError
	)
	switch {
	case errors.As(err, &over), errors.Is(err, registry.ErrUnreachable):
		return false
	case errors.Is(err, errStalled):
		return true
	case errors.As(err, &status):
		return status.Passing()
	}
	// The end of a context is no NetError. One that says "deadline exceeded" is a dial's.
	return errors.As(err, &network) && !permanent(network.Err)
}

// GaveUpError is what an operation ended with when its tries were used up: who called it does
// not begin again.
type GaveUpError struct{ Err error }

// Error is the cause's, with how often or how long it was tried.
func (e *GaveUpError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *GaveUpError) Unwrap() error { return e.Err }

// Is says that what was given up is not known.
func (e *GaveUpError) Is(target error) bool { return target == registry.ErrUnavailable }

// permanent tells network errors that no retry mends: a certificate nobody trusts, a name
// nobody knows.
func permanent(err error) bool {
	var (
		certificate *registry.CertificateError
		record      tls.RecordHeaderError
		dns         *net.DNSError
	)
	var outage *outageErr
	if errors.As(err, &outage) {
		return false
	}
	alert := certificates.Alert(err)
	return errors.Is(err, registry.ErrProxy) || errors.Is(err, context.Canceled) || errors.As(err, &certificate) || errors.As(err, &record) ||
		alert != "" && !certificates.PassingAlert(alert) || errors.As(err, &dns) && dns.IsNotFound
}

// outageErr is a failure that ends by itself, though it looks final.
type outageErr struct{ err error }

func (e *outageErr) Error() string { return e.err.Error() }
func (e *outageErr) Unwrap() error { return e.err }

// Retry bounds the tries of one operation, all counted from the last progress: in time while
// the registry as a whole fails, in number where it goes on answering others. It is for one
// goroutine.
type Retry struct {
	client *Client
	doing  string
	tries  int
	// alone are the tries between which the registry has served other requests: it is then
	// this one that it fails at, and no outage that anybody could wait for.
	alone  int
	served int64
	reused int // tries at once, see reusedError
	since  time.Time
	waited time.Time // until when, the last time; zero before it has
	moved  int64     // bytes, since progress was last noted
}

// The bounds of an operation's tries in number: of those between which the registry served
// others, and of all where a registry has never answered, for there the user rather wants to
// hear of it; and as how many a stall counts where the time is used up. An outage is bounded by time alone, Options.RetryTimeout.
const (
	mostTriesAlone   = 10
	mostTriesUnheard = 4
	stallsCount      = 4
)

// NewRetry begins the bounds of an operation; doing names it in notices.
func (c *Client) NewRetry(doing string) *Retry {
	return &Retry{client: c, doing: doing, since: time.Now(), served: c.served.Load()}
}

// Moved starts the bounds afresh once enough bytes have moved to call it progress.
func (r *Retry) Moved(n int64) {
	if r.moved += n; r.moved >= r.client.opts.StallBytes {
		r.moved, r.tries, r.alone, r.reused, r.since = 0, 0, 0, 0, time.Now()
		r.client.recovered()
		r.Done()
	}
}

// Wait sleeps before the next try, or returns the error to give up with.
func (r *Retry) Wait(ctx context.Context, cause error) error {
	if r.atOnce(cause) {
		return context.Cause(ctx)
	}
	r.tries++
	if errors.Is(cause, errStalled) {
		r.moved = 0 // too little to go on so
	}
	delay := r.delay(cause)
	began := r.client.outage.began(r.client.opts.RetryTimeout)
	left := r.left(delay, began)
	var over error
	switch {
	case r.tooOften(cause):
		over = &GaveUpError{fmt.Errorf("%w (gave up after %d tries)", cause, r.tries)}
	case delay > left:
		if r.tries > 1 {
			r.client.spent.Store(true)
		}
		over = &GaveUpError{r.late(cause)}
	}
	now := time.Now()
	out := registry.Outage{Cause: cause.Error(), Since: began, Next: now.Add(delay), Until: now.Add(max(left, 0))}
	if over != nil {
		r.client.tell(registry.OutageGivenUp, out)
		return over
	}
	r.client.tell(registry.OutageLasts, out)
	r.waited = now.Add(delay)
	r.client.drought.add(now, r.waited)
	return r.Pause(ctx, cause, delay)
}

// late is a cause with why another try would come too late: the registry says itself when it may be
// asked again, or the time is used up.
func (r *Retry) late(cause error) error {
	var status *StatusError
	bound := r.client.opts.RetryTimeout
	switch {
	case errors.As(cause, &status) && status.RetryAfter > 0:
		wait := max(time.Second, status.RetryAfter.Round(time.Second))
		return fmt.Errorf("%w (gave up: it says to come back in %s, and %s without progress is the bound)", cause, wait, bound)
	case r.tries == 1:
		return fmt.Errorf("%w (not tried again: it has failed for as long as is waited, %s)", cause, bound)
	default:
		return fmt.Errorf("%w (gave up after %d tries: %s without progress is the bound)", cause, r.tries, bound)
	}
}

// left is for how long it may go on, where the next try is after a delay.
func (r *Retry) left(delay time.Duration, began time.Time) time.Duration {
	bound := r.client.opts.RetryTimeout
	left, failing := bound, r.failing()
	if r.tries > 1 { // one retry there always is, however long the first try took to fail
		left -= time.Since(r.since)
	}
	if r.tries > 1 || delay > time.Second { // and one that costs nothing, however long the run has got nowhere
		left = min(left, bound-failing)
	}
	// An outage that has used up the time for one operation has done so for those that follow.
	return min(left, bound-time.Since(began))
}

// failing counts the try that has failed, and returns for how long the run has got nowhere.
func (r *Retry) failing() time.Duration {
	now := time.Now()
	if r.waited.IsZero() {
		r.waited = now // what went before the first failure was not in vain
	}
	return r.client.drought.add(r.waited, now)
}

// tooOften tells whether an operation has used up its tries. A run that has waited for the whole
// of its time once does not do so again for every operation that follows: a stall takes as long as
// several failures.
func (r *Retry) tooOften(cause error) bool {
	spent := r.client.spent.Load()
	if served := r.client.served.Load(); served != r.served || spent {
		r.served = served
		r.alone++
	}
	if spent && errors.Is(cause, errStalled) {
		r.alone += stallsCount - 1
	}
	return r.alone >= mostTriesAlone || r.tries >= mostTriesUnheard && !r.client.contact.done.Load()
}

// Pause sleeps before another try, which is counted and told.
func (r *Retry) Pause(ctx context.Context, cause error, delay time.Duration) error {
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
func (r *Retry) delay(cause error) time.Duration {
	var status *StatusError
	if errors.As(cause, &status) && status.RetryAfter > 0 {
		return status.RetryAfter
	}
	delay := min(15*time.Second, 50*time.Millisecond<<min(r.tries, 20))
	return delay*3/4 + rand.N(delay/2)
}
