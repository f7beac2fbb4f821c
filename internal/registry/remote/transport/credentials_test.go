package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Some registries say 401 where others say 403. That is no verdict on a password that has
// served elsewhere.
func TestOneRefusedRepositoryPoisonsNoOther(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, password, _ := r.BasicAuth()
		if password != "very-secret" || strings.Contains(r.URL.Path, "/private/") {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"tags":["v1"]}`)
	}), Options{Keychain: secret})
	for _, tt := range []struct {
		repository string
		want       error
	}{{"a", nil}, {"private", registry.ErrUnauthorized}, {"a", nil}} {
		if _, err := client.Tags(context.Background(), tt.repository); !errors.Is(err, tt.want) {
			t.Errorf("Tags(%s) = %v, want %v", tt.repository, err, tt.want)
		}
	}
}

func TestNobodyIsNotSentAsAName(t *testing.T) {
	var requests atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.Header.Get("Authorization") != "" || strings.Contains(r.URL.Path, "/private/") {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"tags":["v1"]}`)
	}), Options{})
	for _, tt := range []struct {
		repository string
		want       error
	}{{"private", registry.ErrUnauthorized}, {"a", nil}, {"private", registry.ErrUnauthorized}, {"a", nil}} {
		if _, err := client.Tags(context.Background(), tt.repository); !errors.Is(err, tt.want) {
			t.Errorf("Tags(%s) = %v, want %v", tt.repository, err, tt.want)
		}
	}
	if got := requests.Load(); got != 4 {
		t.Errorf("that took %d requests, want 4", got)
	}
}

// challenging asks for a token from a server that the test plays.
func challenging(token http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			token(w, r)
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, `{"tags":["v1"]}`)
		}
	})
}

func TestTokenAnswerThatBreaksOff(t *testing.T) {
	var asked atomic.Int64
	client := tokenClient(t, challenging(func(w http.ResponseWriter, _ *http.Request) {
		answer := `{"token":"abc","expires_in":300}`
		if asked.Add(1) == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(answer)))
			_, _ = io.WriteString(w, answer[:10])
			return
		}
		_, _ = io.WriteString(w, answer)
	}), Options{})
	if _, err := client.Tags(context.Background(), "a"); err != nil {
		t.Error(err)
	}
}

// What a token server says about itself says nothing about the repository.
func TestMissingTokenServerIsNoMissingTag(t *testing.T) {
	client := tokenClient(t, challenging(http.NotFound), Options{Side: registry.SideTarget})
	_, err := client.Tags(context.Background(), "a")
	var failed *registry.Error
	if err == nil || errors.Is(err, registry.ErrNotFound) || !errors.As(err, &failed) || !strings.Contains(err.Error(), "404") {
		t.Errorf("Tags() = %v, want an error about the token server that is not ErrNotFound", err)
	}
}

// Some token servers refuse all scopes where one of them is not granted.
func TestTokenServerThatRefusesManyScopes(t *testing.T) {
	var mu sync.Mutex
	var asked int
	client := tokenClient(t, challenging(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		for _, scope := range r.URL.Query()["scope"] {
			if strings.Contains(scope, ":private:") {
				w.WriteHeader(http.StatusForbidden)
				return
			}
		}
		fmt.Fprint(w, `{"token":"abc","expires_in":300}`)
	}), Options{})
	client.Prepare([]string{"a", "b", "private"})
	for _, tt := range []struct {
		repository string
		want       error
	}{{"a", nil}, {"private", registry.ErrForbidden}, {"b", nil}, {"a", nil}} {
		if _, err := client.Tags(context.Background(), tt.repository); !errors.Is(err, tt.want) {
			t.Errorf("Tags(%s) = %v, want %v", tt.repository, err, tt.want)
		}
	}
	if asked != 4 {
		t.Errorf("%d tokens were asked for, want one for all and then one for each repository", asked)
	}
}

// expectedKeychain is anonymous, and tells when so many repositories' credentials have been read.
type expectedKeychain struct {
	left atomic.Int64
	all  chan struct{}
}

func (k *expectedKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	if k.left.Add(-1) == 0 {
		close(k.all)
	}
	return authn.Anonymous, nil
}

// A token server that is down is found out once, and not by each request for itself.
func TestTokenServerThatIsDown(t *testing.T) {
	const requests = 6
	keychain := &expectedKeychain{all: make(chan struct{})}
	keychain.left.Store(requests)
	var asked atomic.Int64
	client := tokenClient(t, challenging(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		<-keychain.all // each is about to ask: it fails once all wait for the first
		w.WriteHeader(http.StatusBadGateway)
	}), Options{Keychain: keychain, RetryTimeout: 2 * time.Second})
	var group sync.WaitGroup
	for i := range requests {
		group.Go(func() {
			if _, err := client.Tags(context.Background(), fmt.Sprint("a", i)); err == nil {
				t.Error("Tags() without a token server has no error")
			}
		})
	}
	group.Wait()
	if got := asked.Load(); got > mostTriesAlone {
		t.Errorf("%d requests asked %d times, want one request's tries", requests, got)
	}
}

// hangingKeychain never answers.
type hangingKeychain struct{ authn.Keychain }

func (hangingKeychain) ResolveContext(ctx context.Context, _ authn.Resource) (authn.Authenticator, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestInterruptedWhileCredentialsAreRead(t *testing.T) {
	client := tokenClient(t, challenging(http.NotFound), Options{Keychain: hangingKeychain{}})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			if _, err := client.Tags(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Tags() = %v with a helper that hangs, want the end of the context", err)
			}
		})
	}
	group.Wait()
}
