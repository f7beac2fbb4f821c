package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// Whichever registry repeats a secret, and whoever else it was sent to: nothing that the program
// says repeats it, in no form and in no format.
func TestNoRegistryTellsAnothersSecrets(t *testing.T) {
	elsewhere(t)
	const ours, theirs = `Hunter2 "of" the source`, "Correct-Horse-Battery"
	words := []string{}
	for _, secret := range []string{ours, theirs} {
		words = append(words, secret, url.QueryEscape(secret), base64.StdEncoding.EncodeToString([]byte("bob:"+secret)))
	}
	gossip := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Authorization") == "":
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/v2/":
		case strings.Contains(r.URL.Path, "postgres-operator"):
			w.Header().Set("Location", "https://"+theirs+".invalid/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		default:
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"code": "DENIED", "message": strings.Join(words, " ")}}})
		}
	}))
	defer gossip.Close()
	host := strings.TrimPrefix(gossip.URL, "http://")
	source, target := host, strings.Replace(host, "127.0.0.1", "localhost", 1)
	login := func(password string) map[string]string {
		return map[string]string{"username": "bob", "password": password}
	}
	config, err := json.Marshal(map[string]any{"auths": map[string]any{source: login(ours), target: login(theirs)}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), config, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"plan", "--source", source, "--registry", target},
		{"copy", "-v", "-o", "json", "--source", source, "--registry", target},
		{"plan", "-o", "yaml", "--source", target, "--registry", source},
		{"copy", "--lock", "lock.json", "--source", target, "--registry", source},
	} {
		streams, out, messages := terminal.Test("")
		if code := run(t.Context(), append(args, "--retry-timeout", "1s"), streams); code == 0 {
			t.Errorf("%s: run() = 0, want a failure", args)
		}
		said := strings.ToLower(out.String() + messages.String())
		if !strings.Contains(said, "***") {
			t.Errorf("%s: said %q, want the registry's words", args, said)
		}
		for _, word := range append(words, "hunter2", "battery") {
			if strings.Contains(said, strings.ToLower(word)) {
				t.Errorf("%s: said %q, which holds %q", args, said, word)
			}
		}
	}
}
