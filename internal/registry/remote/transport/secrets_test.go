package transport

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
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
		keychain  registrytest.Login
		challenge string
	}{
		{"password", registrytest.Login{Username: "bob", Password: password}, `Basic realm="x"`},
		{"password for a token", registrytest.Login{Username: "bob", Password: password}, ""},
		{"identity token", registrytest.Login{Username: "bob", IdentityToken: password}, ""},
		{"registry token", registrytest.Login{RegistryToken: given}, ""},
	}
	for _, tt := range tests {
		for _, status := range []int{http.StatusForbidden, http.StatusServiceUnavailable} {
			t.Run(fmt.Sprintf("%s, %d", tt.name, status), func(t *testing.T) {
				var mu sync.Mutex
				var sent, told []string
				known := new(secrets.Set)
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
					words := []string{value, password, url.QueryEscape(password)}
					note(&sent, words...)
					w.WriteHeader(status)
					_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{
						{"code": "DENIED", "message": strings.Repeat("-", 285) + strings.Join(words, " ")},
						{"code": authorization, "message": "x"},
					}, "details": strings.Join(words, " ")})
				}), Options{
					Keychain: tt.keychain, Secrets: known, RetryTimeout: 50 * time.Millisecond,
					Notice: func(text string) { note(&told, text) },
				})
				_, err := client.Tags(context.Background(), "a")
				if err == nil || len(sent) == 0 {
					t.Fatalf("Tags() = %v, and the registry saw %d secrets", err, len(sent))
				}
				told = append(told, err.Error())
				for i, text := range told { // as the program writes it
					told[i] = known.Hide(text)
				}
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

// Whatever channel a registry finds to repeat what it was sent, no text of ours passes it on.
func TestNoChannelRepeatsSecrets(t *testing.T) {
	const password = "Hunter2-Is-Long"
	basic := base64.StdEncoding.EncodeToString([]byte("bob:" + password))
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}
	tests := map[string]http.HandlerFunc{
		"redirect host":   raw("HTTP/1.1 307 x\r\nLocation: https://" + password + ".invalid/\r\nContent-Length: 0\r\n\r\n"),
		"redirect scheme": raw("HTTP/1.1 307 x\r\nLocation: " + password + "://x/\r\nContent-Length: 0\r\n\r\n"),
		"status line":     raw("HTTP/1.1 " + password + " " + basic + "\r\n\r\n"),
		"header":          raw("HTTP/1.1 200 OK\r\n" + password + "\r\n\r\n"),
		"length":          raw("HTTP/1.1 200 OK\r\nContent-Length: " + password + "\r\n\r\n"),
		"encoding":        raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + password + "\r\n\r\n"),
		"protocol":        raw(basic + " 200 OK\r\n\r\n"),
		"a body":          raw("HTTP/1.1 403 x\r\nContent-Length: 100\r\n\r\n{\"errors\":[{\"code\":\"" + password + "\",\"message\":\"" + basic + "\"}]}"),
	}
	for name, answer := range tests {
		t.Run(name, func(t *testing.T) {
			var told []string
			known := new(secrets.Set)
			client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") == "" {
					w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
					w.WriteHeader(http.StatusUnauthorized)
					return
				}
				answer(w, r)
			}), Options{
				Keychain: registrytest.Login{Username: "bob", Password: password}, Secrets: known, RetryTimeout: 50 * time.Millisecond,
				Notice: func(line string) { told = append(told, line) },
			})
			_, err := client.Tags(t.Context(), "a")
			if err == nil {
				t.Fatal("Tags() has no error")
			}
			for _, text := range append(told, err.Error()) {
				text = known.Hide(text) // as the program writes it
				for _, secret := range []string{password, basic} {
					if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
						t.Errorf("%q holds %q", text, secret)
					}
				}
			}
		})
	}
}
