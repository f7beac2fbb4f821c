package cluster

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What helm asks for without a bound after the end of the run does not keep it up where nobody answers; an answer
// that has begun may take its time.
func TestReadsAfterTheRunEnd(t *testing.T) {
	for name, silent := range map[string]bool{"a silent server": true, "a slow answer": false} {
		synctest.Test(t, func(t *testing.T) {
			run, cancel := context.WithCancelCause(t.Context())
			cancel(errors.New("enough"))
			h := heedingTransport{roundTripper(func(r *http.Request) (*http.Response, error) {
				if !silent {
					return &http.Response{Body: io.NopCloser(slow{r.Context(), strings.NewReader("all")})}, nil
				}
				select {
				case <-r.Context().Done():
					return nil, context.Cause(r.Context())
				case <-time.After(time.Hour):
					return nil, errors.New("an hour later")
				}
			}), run}
			request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://api/version", nil)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			response, err := h.RoundTrip(request)
			if silent {
				if waited := time.Since(began); !errors.Is(err, errSilent) || waited != lateGrace {
					t.Errorf("%s: RoundTrip() = %v after %s, want %v after %s", name, err, waited, errSilent, lateGrace)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			if all, err := io.ReadAll(response.Body); string(all) != "all" || err != nil {
				t.Errorf("%s: the body is %q, %v", name, all, err)
			}
		})
	}
}

// slow is a body that takes longer to come than lateGrace, while its request lasts.
type slow struct {
	ctx  context.Context
	body io.Reader
}

// Read implements io.Reader.
func (s slow) Read(p []byte) (int, error) {
	select {
	case <-s.ctx.Done():
		return 0, context.Cause(s.ctx)
	case <-time.After(2 * lateGrace):
		return s.body.Read(p)
	}
}
