package transport

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func heardClient() *Client {
	c := &Client{opts: Options{}.withDefaults()}
	c.contact.done.Store(true)
	return c
}

// Where a registry serves others and always fails at one thing, waiting for its end is in vain.
func TestRetryIsBoundedInNumberWhereOthersAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		r := client.NewRetry("fetching")
		tries := 1
		for r.Wait(t.Context(), &NetError{Err: io.ErrUnexpectedEOF}) == nil {
			tries++
			client.served.Add(1)
			client.recovered()
		}
		if tries != mostTriesAlone && tries != mostTriesAlone+1 {
			t.Errorf("%d tries, want %d", tries, mostTriesAlone)
		}
	})
}

// An outage is waited for as long as the user has said, though one answer came as it began, and
// the waits do not grow beyond 20 s meanwhile.
func TestAnOutageIsSurvivedForTheWholeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		client.opts.RetryTimeout = 10 * time.Minute
		r := client.NewRetry("fetching")
		client.served.Add(1)
		started := time.Now()
		for time.Since(started) < 9*time.Minute {
			last := time.Now()
			if err := r.Wait(t.Context(), &StatusError{Code: 503}); err != nil {
				t.Fatalf("gave up after %s of an outage: %v", time.Since(started), err)
			}
			if waited := time.Since(last); waited > 20*time.Second {
				t.Fatalf("waited %s between two tries", waited)
			}
		}
		for r.Wait(t.Context(), &StatusError{Code: 503}) == nil {
		}
		if took := time.Since(started); took > 10*time.Minute {
			t.Errorf("gave up after %s, want within 10 minutes", took)
		}
		// What fails afterwards, between answers, is not given ten minutes each.
		client.recovered()
		again := time.Now()
		r = client.NewRetry("fetching")
		for r.Wait(t.Context(), &StatusError{Code: 503}) == nil {
		}
		if took := time.Since(again); took > 2*time.Minute {
			t.Errorf("an operation after the outage was tried for %s", took)
		}
	})
}

// A lone request that always gets 500 cannot be told from an outage (ADR 0026): it takes the whole
// time, and it alone does.
func TestALoneRequestIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := heardClient()
		client.opts.RetryTimeout = 5 * time.Minute
		wait := func() (took time.Duration, err error) {
			r, started := client.NewRetry("fetching"), time.Now()
			for err == nil {
				err = r.Wait(t.Context(), &StatusError{Code: http.StatusInternalServerError})
			}
			return time.Since(started), err
		}
		if took, err := wait(); took < 4*time.Minute || took > 5*time.Minute || !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("gave up after %s: %v, want 5 minutes", took, err)
		}
		client.recovered() // by other requests
		if took, _ := wait(); took > 2*time.Minute {
			t.Errorf("the next request was waited for %s, want ten tries", took)
		}
	})
}

func TestRetryIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := heardClient().NewRetry("fetching")
		started := time.Now()
		busy := &StatusError{Code: 429, RetryAfter: 2 * time.Minute}
		var err error
		for err == nil {
			err = r.Wait(t.Context(), busy)
		}
		if took := time.Since(started); took > DefaultRetryTimeout || !strings.Contains(err.Error(), "gave up") {
			t.Errorf("gave up after %s with %v, want within %s", took, err, DefaultRetryTimeout)
		}
	})
}

// Why an operation was given up is said in figures that mean something: what the registry asks for, or the
// bound, and no rest of a pause.
func TestWhyItWasGivenUp(t *testing.T) {
	tests := []struct {
		name       string
		retryAfter time.Duration
		want       []string // of one operation, and of the one after it
	}{
		{"no time left", 0, []string{`^503 Service Unavailable \(gave up after [2-9]\d* tries: 10s without progress is the bound\)$`,
			`^503 Service Unavailable \(not tried again: it has failed for as long as is waited, 10s\)$`}},
		{"it says when", 300 * time.Millisecond, []string{`\(gave up: it says to come back in 1s, and 10s without progress is the bound\)$`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := heardClient()
				client.opts.RetryTimeout = 10 * time.Second
				for _, want := range tt.want {
					r := client.NewRetry("fetching")
					var err error
					for err == nil {
						err = r.Wait(t.Context(), &StatusError{Code: http.StatusServiceUnavailable, RetryAfter: tt.retryAfter})
					}
					if !regexp.MustCompile(want).MatchString(err.Error()) {
						t.Errorf("Wait() = %v, want %s", err, want)
					}
					time.Sleep(client.opts.RetryTimeout * 9 / 10)
				}
			})
		})
	}
}

// A registry that took minutes to fail has not used up the time for trying again.
func TestOneRetryThereAlwaysIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := heardClient().NewRetry("uploading")
		time.Sleep(2 * DefaultRetryTimeout)
		if err := r.Wait(t.Context(), errStalled); err != nil {
			t.Errorf("the first retry was refused: %v", err)
		}
		if err := r.Wait(t.Context(), errStalled); err == nil {
			t.Error("the second retry was allowed after twice the time")
		}
	})
}

func TestRetryObeysTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := heardClient().NewRetry("fetching")
		started := time.Now()
		if err := r.Wait(t.Context(), &StatusError{Code: 503, RetryAfter: 42 * time.Second}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started); waited != 42*time.Second {
			t.Errorf("waited %s, want what the registry said, 42s", waited)
		}
		if err := r.Wait(t.Context(), &StatusError{Code: 429, RetryAfter: time.Hour}); err == nil {
			t.Error("an hour is waited for, the bound is five minutes")
		}
	})
}

func TestRetryable(t *testing.T) {
	tests := []struct {
		err  error
		want bool
	}{
		{errStalled, true},
		{&NetError{Err: io.EOF}, true},
		{&StatusError{Code: 429}, true},
		{&StatusError{Code: 500}, true},
		{&StatusError{Code: 503}, true},
		{&StatusError{Code: 400}, false},
		{&StatusError{Code: 401}, false},
		{&StatusError{Code: 403}, false},
		{&StatusError{Code: 404}, false},
		{&causeError{&NetError{Err: io.EOF}, registry.ErrUnreachable}, false},
		{registry.ErrDigestMismatch, false},
		{errors.New("anything else"), false},
	}
	for _, tt := range tests {
		if got := Retryable(tt.err); got != tt.want {
			t.Errorf("Retryable(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}

func TestDialTimeoutIsTriedAgain(t *testing.T) {
	_, err := (&net.Dialer{Timeout: time.Nanosecond}).Dial("tcp", "127.0.0.1:1")
	if err == nil || !Retryable(&NetError{Err: err}) {
		t.Errorf("Retryable(%v) = false, want true: a lost packet is no verdict", err)
	}
	if Retryable(context.DeadlineExceeded) || Retryable(context.Canceled) || Retryable(&NetError{Err: context.Canceled}) {
		t.Error("the end of the context is tried again")
	}
}

func TestStatusesWorthAnotherTry(t *testing.T) {
	tests := map[int]bool{
		400: false, 401: false, 403: false, 404: false, 408: true, 413: false, 425: true, 429: true,
		500: true, 501: false, 502: true, 503: true, 504: true, 505: false, 507: false, 520: true, 524: true,
	}
	for code, want := range tests {
		if got := Retryable(&StatusError{Code: code}); got != want {
			t.Errorf("Retryable(%d) = %t, want %t", code, got, want)
		}
	}
}

func TestRetryAfterNothingStillWaits(t *testing.T) {
	client := tokenClient(t, http.NotFoundHandler(), Options{})
	r := client.NewRetry("")
	r.tries = 5
	if got := r.delay(&StatusError{Code: 503}); got < 500*time.Millisecond {
		t.Errorf("delay() = %s after the fifth answer with Retry-After: 0, want no hammering", got)
	}
	if got := r.delay(&StatusError{Code: 503, RetryAfter: time.Second}); got != time.Second {
		t.Errorf("delay() = %s for Retry-After: 1, want 1s", got)
	}
}
