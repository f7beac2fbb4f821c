package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// answersTokens asks for a token, and answers with a list to whoever has one.
func answersTokens(answer string, tokens *int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/token":
			*tokens++
			fmt.Fprint(w, answer)
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, r.Host))
			w.WriteHeader(http.StatusUnauthorized)
		default:
			fmt.Fprint(w, `{"tags":["v1"]}`)
		}
	}
}

func TestATokensLifeAsTextIsNoFailure(t *testing.T) {
	for _, life := range []string{`"300"`, `300.0`, `"soon"`} {
		tokens := 0
		client := tokenClient(t, answersTokens(`{"token":"good","expires_in":`+life+`}`, &tokens), Options{})
		if _, err := client.Tags(t.Context(), "a"); err != nil || tokens != 1 {
			t.Errorf("expires_in %s: Tags() = %v after %d tokens, want a list after one", life, err, tokens)
		}
	}
}

// What no header can hold is the token server's fault, and no network's: it is not tried again.
func TestUnusableTokens(t *testing.T) {
	tests := map[string]string{
		`{"token":"a\nb"}`:             "a token with the byte 0x0a",
		`{"token":"a\u0000"}`:          "a token with the byte 0x00",
		`{"token":"a\u007f"}`:          "a token with the byte 0x7f",
		`{"access_token":"a\u00e9"}`:   "a token with the byte 0xc3",
		`{"token":""}`:                 "holds no token",
		`{"expires_in":300}`:           "holds no token",
		`{"token":300}`:                "answer: of JSON type number where another belongs",
		`[]`:                           "answer: of JSON type array where another belongs",
		`<html>please log in</html>\n`: "reading the token server's answer",
	}
	for answer, want := range tests {
		tokens := 0
		client := tokenClient(t, answersTokens(answer, &tokens), Options{})
		_, err := client.Tags(t.Context(), "a")
		if err == nil || !strings.Contains(err.Error(), want) || tokens != 1 || !errors.Is(err, registry.ErrTokens) {
			t.Errorf("%s: Tags() = %v after %d tries, want ErrTokens with %q after one", answer, err, tokens, want)
		}
	}
}

// Nor is it sent by others that are on their way when it turns out to be wrong: that could lock an account.
func TestWrongPasswordIsSentOnce(t *testing.T) {
	var sent atomic.Int64
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); ok {
			sent.Add(1)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
		w.WriteHeader(http.StatusUnauthorized)
	}), Options{Keychain: registrytest.Login{Username: "user", Password: "wrong"}})
	var group sync.WaitGroup
	for _, repository := range []string{"a", "b", "c", "d", "e", "f"} {
		group.Go(func() {
			if _, err := client.Tags(t.Context(), repository); !errors.Is(err, registry.ErrUnauthorized) {
				t.Errorf("Tags(%s) = %v, want ErrUnauthorized", repository, err)
			}
		})
	}
	group.Wait()
	if got := sent.Load(); got != 1 {
		t.Errorf("the password was sent %d times, want once", got)
	}
}

// Who cannot be heard is named: the registry has answered, and is often another host.
func TestAnUnheardTokenServerIsNamed(t *testing.T) {
	const closed = "127.0.0.1:1"
	plain := registrytest.Serve(t, func(http.ResponseWriter, *http.Request) {}).Listener.Addr().String()
	tests := []struct{ realm, host, want string }{
		{"http://" + closed + "/token", closed, "connection refused"},
		{"https://" + plain + "/token", plain, "does not look like a TLS handshake"},
	}
	for _, tt := range tests {
		_, err := sentTo(t, tt.realm).Tags(t.Context(), "a")
		if want := "asking the token server " + tt.host + ": "; err == nil ||
			!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), tt.want) || errors.Is(err, registry.ErrUnreachable) ||
			!errors.Is(err, registry.ErrTokens) {
			t.Errorf("%s: Tags() = %v, want ErrTokens with %q and %q, and not unreachable", tt.realm, err, want, tt.want)
		}
	}
}

// A token server that refuses a login says something of that login; one that fails at everything, or of which
// the registry gives no address to use, does not.
func TestATokenServerThatFailsAtEverything(t *testing.T) {
	for status, want := range map[int]bool{400: true, 404: true, 500: true, 503: true, 401: false, 403: false} {
		server := registrytest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		client := sentTo(t, server.URL+"/token")
		if _, err := client.Tags(t.Context(), "a"); errors.Is(err, registry.ErrTokens) != want {
			t.Errorf("%d: Tags() = %v, want ErrTokens: %t", status, err, want)
		}
	}
	for _, realm := range []string{"http://auth.example.com/token", "nowhere"} {
		if _, err := sentTo(t, realm).Tags(t.Context(), "a"); !errors.Is(err, registry.ErrTokens) {
			t.Errorf("%s: Tags() = %v, want ErrTokens", realm, err)
		}
	}
}

// sentTo is a client of a registry that sends it to a token server.
func sentTo(t *testing.T, realm string) verbs {
	t.Helper()
	return tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm=%q`, realm))
		w.WriteHeader(http.StatusUnauthorized)
	}), Options{RetryTimeout: time.Millisecond})
}
