package credentials

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// The clouds' own helpers are asked for the registries that docker's configuration names them for:
// with the registry's name on standard input, and for nothing else.
func TestTheCloudsHelpers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the helpers here are shell scripts")
	}
	tests := []struct{ suffix, host, user, secret, want string }{
		{"ecr-login", "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "AWS", "ecrs-password", "AWS:ecrs-password"},
		{"gcloud", "europe-docker.pkg.dev", "oauth2accesstoken", "ya29.token", "oauth2accesstoken:ya29.token"},
		{"acr-env", "example.azurecr.io", TokenUser, "refresh.token.of-acr", "token refresh.token.of-acr"},
	}
	config := ""
	bin := t.TempDir()
	for i, tt := range tests {
		script := fmt.Sprintf(`#!/bin/sh
[ "$1" = get ] || exit 1
read -r asked
if [ "$asked" != %q ]; then echo "credentials not found in native keychain"; exit 1; fi
echo '{"ServerURL": "x", "Username": "%s", "Secret": "%s"}'
`, tt.host, tt.user, tt.secret)
		if err := os.WriteFile(filepath.Join(bin, "docker-credential-"+tt.suffix), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if i > 0 {
			config += ", "
		}
		config += fmt.Sprintf("%q: %q", tt.host, tt.suffix)
	}
	write(t, home(t), `{"credHelpers": {`+config+`}}`)
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	k := Keychain("given.example.com", Login{})
	for _, tt := range tests {
		if got := resolve(t, k, repository(t, tt.host+"/team/postgres")); got != tt.want {
			t.Errorf("Resolve(%s) = %q, want what docker-credential-%s says, %q", tt.host, got, tt.suffix, tt.want)
		}
	}
	if got := resolve(t, k, repository(t, "other.example.com/a")); got != "anonymous" {
		t.Errorf("Resolve() of another registry = %q, want nothing", got)
	}
}
