package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// repositoryOf is the repository of a request for its tags.
func repositoryOf(r *http.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v2/"), "/tags/list")
}

func challenge(w http.ResponseWriter, header string) {
	w.Header().Set("WWW-Authenticate", header)
	w.WriteHeader(http.StatusUnauthorized)
}

// allTags lists the tags of repositories at once, each several times.
func allTags(t *testing.T, client verbs, repositories ...string) {
	t.Helper()
	var group sync.WaitGroup
	for range 3 {
		for _, repository := range repositories {
			group.Go(func() {
				if _, err := client.Tags(t.Context(), repository); err != nil {
					t.Errorf("Tags(%s) = %v, want no error", repository, err)
				}
			})
		}
	}
	group.Wait()
}

// realms has a token server for each folder, which knows no other's.
func realms() http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if key, isToken := strings.CutPrefix(r.URL.Path, "/token/"); isToken {
			for _, scope := range r.URL.Query()["scope"] {
				if !strings.HasPrefix(scope, "repository:"+key+"/") {
					w.WriteHeader(http.StatusForbidden)
					return
				}
			}
			fmt.Fprintf(w, `{"token":"of-%s"}`, key)
			return
		}
		key, _, _ := strings.Cut(repositoryOf(r), "/")
		if r.Header.Get("Authorization") != "Bearer of-"+key {
			challenge(w, fmt.Sprintf(`Bearer realm="http://%s/token/%s",service="x"`, r.Host, key))
			return
		}
		fmt.Fprint(w, `{"tags":[]}`)
	}
}

// Each repository may have a token server of its own, which knows no other's.
func TestRealmForEachPath(t *testing.T) {
	client := tokenClient(t, realms(), Options{})
	client.Prepare([]string{"one/a", "one/b", "two/a", "two/b", "three/a"})
	for range 3 {
		allTags(t, client, "one/a", "two/a", "three/a", "one/b", "two/b")
	}
}

// slowKeychain is anonymous, and waits at the first question after one repository.
type slowKeychain struct {
	repository   string
	held         atomic.Bool
	asked, still chan struct{}
}

func (k *slowKeychain) Resolve(of authn.Resource) (authn.Authenticator, error) {
	if strings.HasSuffix(of.String(), k.repository) && k.held.CompareAndSwap(false, true) {
		close(k.asked)
		<-k.still
	}
	return authn.Anonymous, nil
}

// The server that was guessed at is the right one, and refuses a token for many because the guess
// about another was wrong: that says nothing of this one.
func TestRightGuessAmongWrongOnes(t *testing.T) {
	keychain := &slowKeychain{repository: "/one/a", asked: make(chan struct{}), still: make(chan struct{})}
	client := tokenClient(t, realms(), Options{Keychain: keychain})
	client.Prepare([]string{"one/a", "one/b", "two/a"})
	var group sync.WaitGroup
	group.Go(func() { // finds out how it is asked, and gets no further
		if _, err := client.Tags(t.Context(), "one/a"); err != nil {
			t.Errorf("Tags(one/a) = %v, want no error", err)
		}
	})
	<-keychain.asked
	allTags(t, client, "one/b")
	close(keychain.still)
	group.Wait()
	allTags(t, client, "two/a")
}

// How a registry asks may change: while it starts, or behind a balancer.
func TestChallengeThatChanges(t *testing.T) {
	var phase atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		now := phase.Load()
		if strings.HasPrefix(r.URL.Path, "/token/") {
			fmt.Fprintf(w, `{"token":"%s"}`, strings.TrimPrefix(r.URL.Path, "/token/"))
			return
		}
		_, password, _ := r.BasicAuth()
		switch {
		case now == 0 && password == "very-secret", r.Header.Get("Authorization") == fmt.Sprintf("Bearer of-%d", now):
			fmt.Fprint(w, `{"tags":[]}`)
		case now == 0:
			challenge(w, `Basic realm="x"`)
		default:
			challenge(w, fmt.Sprintf(`Bearer realm="http://%s/token/of-%d"`, r.Host, now))
		}
	}), Options{Keychain: secret})
	client.Prepare([]string{"a", "b"})
	for _, now := range []int64{0, 1, 2, 0} {
		phase.Store(now)
		allTags(t, client, "a", "b")
	}
}

// One that asks anew each time is not followed for ever.
func TestChallengeThatNeverStays(t *testing.T) {
	var requests atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/token/") {
			fmt.Fprint(w, `{"token":"x"}`)
			return
		}
		challenge(w, fmt.Sprintf(`Bearer realm="http://%s/token/%d"`, r.Host, requests.Add(1)))
	}), Options{Keychain: secret})
	if _, err := client.Tags(t.Context(), "a"); !errors.Is(err, registry.ErrUnauthorized) || requests.Load() > 6 {
		t.Errorf("Tags() = %v after %d requests, want ErrUnauthorized after a few", err, requests.Load())
	}
}

// oneScope is a registry whose token server honours the first scope of a request only.
func oneScope(answer func(w http.ResponseWriter, challenge string)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			scopes := append(r.URL.Query()["scope"], "")
			fmt.Fprintf(w, `{"token":%q}`, scopes[0])
			return
		}
		need := "repository:" + repositoryOf(r) + ":pull"
		asked := fmt.Sprintf(`Bearer realm="http://%s/token",scope=%q`, r.Host, need)
		switch granted, sent := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); {
		case !sent:
			challenge(w, asked)
		case granted != need:
			answer(w, asked)
		default:
			fmt.Fprint(w, `{"tags":[]}`)
		}
	})
}

// Every request tries a token of its own where the run's does not serve, whatever other
// requests find out meanwhile.
func TestTokenServerThatHonoursOneScope(t *testing.T) {
	repositories := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for name, answer := range map[string]func(http.ResponseWriter, string){
		"401":              challenge,
		"401 insufficient": func(w http.ResponseWriter, asked string) { challenge(w, asked+`,error="insufficient_scope"`) },
		"401 unasked":      func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusUnauthorized) },
		"403":              func(w http.ResponseWriter, _ string) { w.WriteHeader(http.StatusForbidden) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 10 {
				client := tokenClient(t, oneScope(answer), Options{})
				client.Prepare(repositories)
				allTags(t, client, repositories...)
			}
		})
	}
}

// What is really forbidden costs one token and one request more, and stays forbidden.
func TestForbiddenStaysForbidden(t *testing.T) {
	var requests, tokens atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			tokens.Add(1)
			fmt.Fprint(w, `{"token":"x"}`)
		case r.Header.Get("Authorization") == "":
			challenge(w, fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
		case repositoryOf(r) == "private":
			requests.Add(1)
			w.WriteHeader(http.StatusForbidden)
		default:
			fmt.Fprint(w, `{"tags":[]}`)
		}
	}), Options{})
	client.Prepare([]string{"a", "private"})
	for _, tt := range []struct {
		repository string
		want       error
	}{{"a", nil}, {"private", registry.ErrForbidden}, {"a", nil}} {
		if _, err := client.Tags(t.Context(), tt.repository); !errors.Is(err, tt.want) {
			t.Errorf("Tags(%s) = %v, want %v", tt.repository, err, tt.want)
		}
	}
	if requests.Load() != 2 || tokens.Load() != 2 {
		t.Errorf("that took %d requests and %d tokens, want 2 and 2", requests.Load(), tokens.Load())
	}
}

// A registry may know a repository by another name than clients do, and says so.
func TestScopeThatTheRegistryAsksFor(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := "repository:library/" + repositoryOf(r) + ":pull"
		switch {
		case r.URL.Path == "/token":
			fmt.Fprintf(w, `{"token":%q}`, strings.Join(r.URL.Query()["scope"], ";"))
		case !slices.Contains(strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ";"), inner):
			challenge(w, fmt.Sprintf(`Bearer realm="http://%s/token",scope=%q`, r.Host, inner))
		default:
			fmt.Fprint(w, `{"tags":[]}`)
		}
	}), Options{})
	client.Prepare([]string{"a", "b"})
	allTags(t, client, "a", "b", "unannounced")
}

// loginsByPath has a login for each folder of a registry.
type loginsByPath struct{}

func (loginsByPath) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	_, repository, _ := strings.Cut(resource.String(), "/")
	team, _, found := strings.Cut(repository, "/")
	if !found {
		return authn.Anonymous, nil
	}
	return authn.FromConfig(authn.AuthConfig{Username: team, Password: "of-" + team}), nil
}

// A login is for its folder, and a token for its login: neither is sent for another's.
func TestLoginsByPath(t *testing.T) {
	for _, scheme := range []string{"Basic", "Bearer"} {
		t.Run(scheme, func(t *testing.T) {
			var strange atomic.Int64
			client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				user, password, sent := r.BasicAuth()
				if r.URL.Path == "/token" {
					for _, scope := range r.URL.Query()["scope"] {
						if !strings.HasPrefix(scope, "repository:"+user+"/") {
							strange.Add(1)
						}
					}
					fmt.Fprintf(w, `{"token":"%s:%s"}`, user, password)
					return
				}
				if token, isToken := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); isToken {
					user, password, sent = strings.Cut(token, ":")
				}
				team, _, _ := strings.Cut(repositoryOf(r), "/")
				switch {
				case sent && (user != team || password != "of-"+team):
					strange.Add(1)
					w.WriteHeader(http.StatusForbidden)
				case !sent:
					challenge(w, fmt.Sprintf(`%s realm="http://%s/token"`, scheme, r.Host))
				default:
					fmt.Fprint(w, `{"tags":[]}`)
				}
			}), Options{Keychain: loginsByPath{}})
			client.Prepare([]string{"one/a", "one/b", "two/a"})
			for range 3 {
				allTags(t, client, "one/a", "two/a", "one/b", "three/a")
			}
			if strange.Load() != 0 {
				t.Errorf("%d requests brought a login or a token where it does not belong", strange.Load())
			}
		})
	}
}

// One path may want a password and another a token, in whatever order they are asked: each gets what it
// wants in the end, and never another path's login or token.
func TestAPasswordOnOnePathAndATokenOnAnother(t *testing.T) {
	for _, first := range []string{"one", "two"} {
		t.Run(first+" first", func(t *testing.T) {
			var strange atomic.Int64
			client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if user, password, _ := r.BasicAuth(); r.URL.Path == "/token" {
					if user != "one" && user != "two" || password != "of-"+user {
						strange.Add(1)
					}
					fmt.Fprintf(w, `{"token":"for-%s"}`, user)
					return
				}
				sent := r.Header.Get("Authorization")
				team, _, _ := strings.Cut(repositoryOf(r), "/")
				user, password, _ := r.BasicAuth()
				switch {
				case team == "one" && user == "one" && password == "of-one", team == "two" && sent == "Bearer for-two":
					fmt.Fprint(w, `{"tags":[]}`)
				case user != "" && user != team, team == "one" && sent == "Bearer for-two":
					strange.Add(1)
					w.WriteHeader(http.StatusForbidden)
				case team == "one":
					challenge(w, `Basic realm="x"`)
				default:
					challenge(w, fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
				}
			}), Options{Keychain: loginsByPath{}})
			client.Prepare([]string{"one/a", "one/b", "two/a"})
			allTags(t, client, first+"/a")
			for range 3 {
				allTags(t, client, "one/a", "two/a", "one/b", "two/b")
			}
			if strange.Load() != 0 {
				t.Errorf("%d requests brought a login or a token where it does not belong", strange.Load())
			}
		})
	}
}

// A wrong password of one folder is no reason to keep another's back.
func TestOneRefusedLoginKeepsNoOtherBack(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, _, _ := r.BasicAuth(); user != "one" {
			challenge(w, `Basic realm="x"`)
			return
		}
		fmt.Fprint(w, `{"tags":[]}`)
	}), Options{Keychain: loginsByPath{}})
	for _, tt := range []struct {
		repository string
		want       error
	}{{"two/a", registry.ErrUnauthorized}, {"one/a", nil}, {"two/a", registry.ErrUnauthorized}} {
		if _, err := client.Tags(t.Context(), tt.repository); !errors.Is(err, tt.want) {
			t.Errorf("Tags(%s) = %v, want %v", tt.repository, err, tt.want)
		}
	}
}

// OAuth 2 says 400 of a refresh token that has expired; what it says is passed on.
func TestExpiredRefreshToken(t *testing.T) {
	client := tokenClient(t, challenging(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":"invalid_grant","error_description":"refresh token expired"}`)
	}), Options{Keychain: registrytest.Login{IdentityToken: "very-secret"}})
	for range 2 {
		_, err := client.Tags(context.Background(), "a")
		if !errors.Is(err, registry.ErrUnauthorized) || !strings.Contains(err.Error(), "refresh token expired") {
			t.Errorf("Tags() = %v, want ErrUnauthorized and the server's words", err)
		}
	}
	if got := client.opts.Traffic.AuthRequests.Load(); got != 1 {
		t.Errorf("the token was presented %d times, want once", got)
	}
}
