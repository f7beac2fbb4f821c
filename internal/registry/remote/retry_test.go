package remote

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func heardClient() *Client {
	c := &Client{opts: Options{}.withDefaults()}
	c.scout.done.Store(true)
	return c
}

func TestRetryIsBoundedInNumber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(heardClient(), "fetching")
		tries := 0
		for r.wait(t.Context(), &netError{io.ErrUnexpectedEOF}) == nil {
			tries++
		}
		if tries != mostTries-1 {
			t.Errorf("%d tries, want %d", tries+1, mostTries)
		}
	})
}

func TestRetryIsBoundedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(heardClient(), "fetching")
		started := time.Now()
		busy := &statusErr{code: 429, retryAfter: 2 * time.Minute, asked: true}
		var err error
		for err == nil {
			err = r.wait(t.Context(), busy)
		}
		if took := time.Since(started); took > DefaultRetryTimeout || !strings.Contains(err.Error(), "gave up") {
			t.Errorf("gave up after %s with %v, want within %s", took, err, DefaultRetryTimeout)
		}
	})
}

// A registry that took minutes to fail has not used up the time for trying again.
func TestOneRetryThereAlwaysIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(heardClient(), "uploading")
		time.Sleep(2 * DefaultRetryTimeout)
		if err := r.wait(t.Context(), errStalled); err != nil {
			t.Errorf("the first retry was refused: %v", err)
		}
		if err := r.wait(t.Context(), errStalled); err == nil {
			t.Error("the second retry was allowed after twice the time")
		}
	})
}

func TestRetryObeysTheRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(heardClient(), "fetching")
		started := time.Now()
		if err := r.wait(t.Context(), &statusErr{code: 503, retryAfter: 42 * time.Second, asked: true}); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(started); waited != 42*time.Second {
			t.Errorf("waited %s, want what the registry said, 42s", waited)
		}
		if err := r.wait(t.Context(), &statusErr{code: 429, retryAfter: time.Hour, asked: true}); err == nil {
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
		{&netError{io.EOF}, true},
		{&statusErr{code: 429}, true},
		{&statusErr{code: 500}, true},
		{&statusErr{code: 503}, true},
		{&statusErr{code: 400}, false},
		{&statusErr{code: 401}, false},
		{&statusErr{code: 403}, false},
		{&statusErr{code: 404}, false},
		{&unreachableErr{&netError{io.EOF}}, false},
		{registry.ErrDigestMismatch, false},
		{errors.New("anything else"), false},
	}
	for _, tt := range tests {
		if got := retryable(tt.err); got != tt.want {
			t.Errorf("retryable(%v) = %v, want %v", tt.err, got, tt.want)
		}
	}
}
