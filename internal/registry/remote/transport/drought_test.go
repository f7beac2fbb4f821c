package transport

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

// flap is an operation at a registry that fails, answers a little just before it would be given up, and
// fails again; it returns for how long the operation was tried.
func flap(t *testing.T, client *Client) time.Duration {
	t.Helper()
	began := time.Now()
	r := client.NewRetry("uploading")
	for r.Wait(t.Context(), &NetError{Err: io.ErrUnexpectedEOF}) == nil {
		if client.outage.last.Sub(client.outage.since) > client.opts.RetryTimeout*3/4 {
			client.recovered()
		}
	}
	return time.Since(began)
}

// However often a registry that gets nothing done answers a little, its outages are waited for as one.
func TestOutagesWithoutProgressAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		client.opts.RetryTimeout = 10 * time.Second
		began := time.Now()
		for range 20 {
			flap(t, client)
			client.recovered()
			time.Sleep(time.Second) // what succeeds in between is not waited for
		}
		const once = 20 * 125 * time.Millisecond // one try more there always is
		if took := time.Since(began) - 20*time.Second; took > client.opts.RetryTimeout+once {
			t.Errorf("20 operations waited for %s, want about %s", took, client.opts.RetryTimeout)
		}
	})
}

// What has got somewhere has the whole of its time again: the end of an operation counts, and bytes.
func TestProgressEndsADrought(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		client.opts.RetryTimeout = 10 * time.Second
		for name, progress := range map[string]func(*Retry){
			"the end of an operation": (*Retry).Done,
			"bytes":                   func(r *Retry) { r.Moved(client.opts.StallBytes) },
		} {
			for flap(t, client) > 125*time.Millisecond { // until the time is used up
				client.recovered()
			}
			client.recovered()
			progress(client.NewRetry("uploading"))
			client.spent.Store(false) // which bounds the number of tries
			if took := flap(t, client); took < client.opts.RetryTimeout/4 {
				t.Errorf("%s: the next operation waited for %s, want most of %s", name, took, client.opts.RetryTimeout)
			}
			client.recovered()
			progress(client.NewRetry("uploading"))
		}
	})
}

// Operations that fail side by side use up the time once.
func TestADroughtCountsEachMomentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		client.opts.RetryTimeout = 10 * time.Second
		began, took := time.Now(), make(chan time.Duration)
		for range 8 {
			go func() {
				r := client.NewRetry("uploading")
				for r.Wait(t.Context(), &NetError{Err: errors.New("reset")}) == nil {
					client.recovered()
				}
				took <- time.Since(began)
			}()
		}
		for range 8 {
			if took := <-took; took < client.opts.RetryTimeout/4 {
				t.Errorf("one of 8 operations was given up after %s, want most of %s", took, client.opts.RetryTimeout)
			}
		}
	})
}
