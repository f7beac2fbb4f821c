package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// A registry that repeats in its errors what it was sent must not bring that into ours, nor
// into what a run tells of its retries.
func TestARegistrysErrorsDoNotRepeatSecrets(t *testing.T) {
	const (
		password = "hunter2 & Söhne/+"
		given    = "a-token-of-the-registry"
	)
	tests := []struct {
		name      string
		keychain  fixedKeychain
		challenge string
	}{
		{"password", fixedKeychain{Username: "bob", Password: password}, `Basic realm="x"`},
		{"password for a token", fixedKeychain{Username: "bob", Password: password}, ""},
		{"identity token", fixedKeychain{Username: "bob", IdentityToken: password}, ""},
		{"registry token", fixedKeychain{RegistryToken: given}, ""},
	}
	for _, tt := range tests {
		for _, status := range []int{http.StatusForbidden, http.StatusServiceUnavailable} {
			t.Run(fmt.Sprintf("%s, %d", tt.name, status), func(t *testing.T) {
				var mu sync.Mutex
				var sent, told []string
				note := func(to *[]string, what ...string) {
					mu.Lock()
					defer mu.Unlock()
					*to = append(*to, what...)
				}
				client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					authorization := r.Header.Get("Authorization")
					switch {
					case r.URL.Path == "/token":
						fmt.Fprint(w, `{"token":"a-token-that-was-fetched"}`)
						return
					case authorization == "":
						challenge := tt.challenge
						if challenge == "" {
							challenge = fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, r.Host)
						}
						w.Header().Set("WWW-Authenticate", challenge)
						w.WriteHeader(http.StatusUnauthorized)
						return
					}
					_, value, _ := strings.Cut(authorization, " ")
					secrets := []string{value, password, url.QueryEscape(password)}
					note(&sent, secrets...)
					w.WriteHeader(status)
					_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{
						{"code": "DENIED", "message": strings.Repeat("-", 285) + strings.Join(secrets, " ")},
						{"code": authorization, "message": "x"},
					}, "details": strings.Join(secrets, " ")})
				}), Options{
					Keychain: tt.keychain, RetryTimeout: 50 * time.Millisecond,
					Notice: func(text string) { note(&told, text) },
				})
				_, err := client.Tags(context.Background(), "a")
				if err == nil || len(sent) == 0 {
					t.Fatalf("Tags() = %v, and the registry saw %d secrets", err, len(sent))
				}
				told = append(told, err.Error())
				for _, text := range told {
					for _, secret := range sent {
						if strings.Contains(text, secret) || strings.Contains(text, secret[:6]) {
							t.Errorf("%q holds %q", text, secret)
						}
					}
				}
				if !strings.Contains(strings.Join(told, " "), "DENIED") {
					t.Errorf("%q does not say what the registry said", told)
				}
			})
		}
	}
}

func TestHide(t *testing.T) {
	var s secrets
	s.add("pass", "Ym9iOnBhc3M=")
	s.add("passport", "x", "")
	if got, want := s.hide("passport pass Ym9iOnBhc3M= x"), "*** *** *** x"; got != want {
		t.Errorf("hide() = %q, want %q", got, want)
	}
}
