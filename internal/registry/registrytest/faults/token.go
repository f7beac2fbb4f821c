package faults

import (
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// TokenExpired makes a registry whose tokens expire when an upload's body comes: it
// answers 401 with a challenge that leads to realm, and does not take that token again.
// It does so with the first times bodies, or Always; requests without a token are left
// to the registry. The body is Unread, as with real registries, or Swallowed.
func TokenExpired(realm string, fate Fate, times int) registrytest.Middleware {
	expired := &tokenSet{}
	left := &budget{times: times}
	return func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := r.Header.Get("Authorization")
			long := false
			if token != "" && sendsBlob(r) {
				r, long = hasBody(r, 1)
			}
			if long && left.take() {
				expired.add(token)
			}
			if !expired.has(token) {
				registry.ServeHTTP(w, r)
				return
			}
			if fate == Swallowed {
				_, _ = io.Copy(io.Discard, r.Body)
			}
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(
				`Bearer realm="%s",service="%s",scope="repository:%s:pull,push",error="invalid_token"`,
				realm, registrytest.TokenService, registrytest.Classify(r).Repository))
			writeError(w, r, http.StatusUnauthorized, "UNAUTHORIZED", "the token has expired")
		})
	}
}

type tokenSet struct {
	mu  sync.Mutex
	set map[string]bool
}

func (s *tokenSet) add(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set == nil {
		s.set = map[string]bool{}
	}
	s.set[token] = true
}

func (s *tokenSet) has(token string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set[token]
}
