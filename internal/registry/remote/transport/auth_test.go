package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// tokenRegistry answers every read with a tag list once it has a token for the repository.
type tokenRegistry struct {
	mu       sync.Mutex
	life     int64
	most     int // scopes granted in one token; 0 is all
	asked    [][]string
	granted  map[string][]string
	refusals int // 401s despite a good token, still to be given
	password string
}

func (r *tokenRegistry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Path == "/token" {
		r.token(w, req)
		return
	}
	repository := strings.TrimSuffix(strings.TrimPrefix(req.URL.Path, "/v2/"), "/tags/list")
	need := "repository:" + repository + ":pull"
	value := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	scopes, known := r.granted[value]
	if known && r.refusals > 0 {
		r.refusals--
		delete(r.granted, value)
		known = false
	}
	if !known || !slices.ContainsFunc(scopes, func(s string) bool { return strings.HasPrefix(s, need) }) {
		problem := ""
		if known {
			problem = `,error="insufficient_scope"`
		}
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="reg",scope="%s"%s`, req.Host, need, problem))
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	fmt.Fprint(w, `{"tags":["v1"]}`)
}

func (r *tokenRegistry) token(w http.ResponseWriter, req *http.Request) {
	_, password, _ := req.BasicAuth()
	if r.password != "" && password != r.password {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	scopes := req.URL.Query()["scope"]
	r.asked = append(r.asked, scopes)
	if r.most > 0 && len(scopes) > r.most {
		scopes = scopes[:r.most]
	}
	if r.granted == nil {
		r.granted = map[string][]string{}
	}
	value := fmt.Sprintf("token%d", len(r.asked))
	r.granted[value] = scopes
	_ = json.NewEncoder(w).Encode(map[string]any{"token": value, "expires_in": r.life})
}

func TestOneTokenARun(t *testing.T) {
	reg := &tokenRegistry{life: 300}
	client := tokenClient(t, reg, Options{})
	client.Prepare([]string{"b", "a"})
	var group sync.WaitGroup
	for _, repository := range []string{"a", "b", "a", "b"} {
		group.Go(func() {
			if _, err := client.Tags(context.Background(), repository); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(reg.asked) != 1 || !slices.Equal(reg.asked[0], []string{"repository:a:pull", "repository:b:pull"}) {
		t.Errorf("asked for tokens with scopes %q, want one token for both repositories", reg.asked)
	}
	if got := client.opts.Traffic.AuthRequests.Load(); got != 1 {
		t.Errorf("AuthRequests = %d, want 1", got)
	}
}

func TestTokenForEachRepositoryWhereNoneServesAll(t *testing.T) {
	reg := &tokenRegistry{life: 300, most: 1}
	client := tokenClient(t, reg, Options{})
	client.Prepare([]string{"a", "b"})
	for range 3 {
		for _, repository := range []string{"a", "b"} {
			if _, err := client.Tags(context.Background(), repository); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(reg.asked) > 3 {
		t.Errorf("asked for %d tokens (%q), want at most 3", len(reg.asked), reg.asked)
	}
}

func TestTokenThatNoLongerServesIsReplaced(t *testing.T) {
	reg := &tokenRegistry{life: 300, refusals: 1}
	client := tokenClient(t, reg, Options{})
	client.Prepare([]string{"a"})
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Fatal(err)
	}
	if len(reg.asked) != 2 {
		t.Errorf("asked for %d tokens, want 2", len(reg.asked))
	}
}

func TestWrongPasswordIsTriedOnce(t *testing.T) {
	reg := &tokenRegistry{password: "right"}
	client := tokenClient(t, reg, Options{Side: registry.SideTarget, Keychain: registrytest.Login{Username: "user", Password: "very-secret"}})
	for range 3 {
		_, err := client.Tags(context.Background(), "a")
		var failed *registry.Error
		var access *registry.AccessError
		if !errors.Is(err, registry.ErrUnauthorized) || !errors.As(err, &failed) || !errors.As(err, &access) {
			t.Fatalf("Tags with a wrong password = %v, want ErrUnauthorized", err)
		}
		if failed.Side != registry.SideTarget || !strings.Contains(failed.Ref, "/a") || access.Anonymous || access.Repository != "a" {
			t.Errorf("the error is %q about %+v, want the side, the repository and that there were credentials", failed, access)
		}
		if strings.Contains(fmt.Sprintf("%v %+v", err, access), "very-secret") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
	if got := client.opts.Traffic.AuthRequests.Load(); got != 1 {
		t.Errorf("the token server was asked %d times, want 1", got)
	}
}

func TestPasswordsAreTrimmed(t *testing.T) {
	reg := &tokenRegistry{password: "right"}
	client := tokenClient(t, reg, Options{Keychain: registrytest.Login{Username: "user ", Password: "right\n"}})
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Error(err)
	}
}

func TestRealmNeedsTLS(t *testing.T) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://tokens.example.com/token"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	client := tokenClient(t, handler, Options{Keychain: registrytest.Login{Username: "user", Password: "secret"}})
	if _, err := client.Tags(context.Background(), "a"); err == nil || !strings.Contains(err.Error(), "without TLS") {
		t.Errorf("Tags with a token server in the clear = %v, want an error that says so", err)
	}
}
