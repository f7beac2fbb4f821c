package main

import (
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// A long copy outlives its tokens: one that is taken no more when the lock is written down is renewed, and
// the lock says all.
func TestATokenThatExpiresBeforeTheLock(t *testing.T) {
	account := registrytest.Account{Username: "robot", Password: "s3cret"}
	behind := registrytest.Debian(t, registrytest.Options{Accounts: []registrytest.Account{account}, Tokens: &registrytest.TokenOptions{}})
	elsewhere(t)
	vendor, _ := twoRegistries(t, "v4.0.0")
	var mu sync.Mutex
	used, refused := map[string]bool{}, 0
	private := registrytest.Front(t, behind, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			token := r.Header.Get("Authorization")
			mu.Lock()
			if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
				used[token] = true
			}
			// Nothing but what writes the lock down reads blobs at the target.
			if expired := r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") && used[token]; expired {
				refused++
				r.Header.Del("Authorization") // whoever has none is told where there are others
			}
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	})
	t.Setenv("PGRELOCATE_REGISTRY_USERNAME", account.Username)
	t.Setenv("PGRELOCATE_REGISTRY_PASSWORD", account.Password)
	streams, _, messages := terminal.Test("")
	args := []string{"copy", "--release=v4.0.0", "--source=" + vendor.Host, "--registry=" + private.Host, "--lock=pg.lock"}
	if code := run(t.Context(), args, streams); code != exit.OK {
		t.Fatalf("run(%v) = %d, want %d:\n%s", args, code, exit.OK, messages)
	}
	body, err := os.ReadFile("pg.lock")
	if err != nil {
		t.Fatal(err)
	}
	if locked, err := lock.Parse(body); err != nil || len(locked.Artifacts) != 3 {
		t.Errorf("Parse(pg.lock) = %v, %v, want 3 artifacts", locked, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if refused == 0 {
		t.Error("no token was refused while the lock was written down: the test shows nothing")
	}
}
