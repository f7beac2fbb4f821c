package credentials

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
)

const secret = "s3cret-do-not-show"

// home gives a test a home of its own, and returns the path of docker's config file in it.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, variable := range []string{"DOCKER_CONFIG", "DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME"} {
		t.Setenv(variable, "")
	}
	t.Setenv("HOME", dir)
	return filepath.Join(dir, ".docker", "config.json")
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func repository(t *testing.T, s string) authn.Resource {
	t.Helper()
	r, err := name.NewRepository(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// resolve returns USER:PASSWORD, or "token TOKEN", or "anonymous".
func resolve(t *testing.T, k authn.Keychain, resource authn.Resource) string {
	t.Helper()
	a, err := k.Resolve(resource)
	if err != nil {
		t.Fatalf("Resolve(%s) = %v", resource, err)
	}
	c, err := a.Authorization()
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case c.IdentityToken != "":
		return "token " + c.IdentityToken
	case c.Username != "":
		return c.Username + ":" + c.Password
	default:
		return "anonymous"
	}
}

func TestKeychain(t *testing.T) {
	config := home(t)
	write(t, config, `{"auths": {
		"docker.example.com": {"auth": "ZG9ja2VyOnB3"},
		"both.example.com": {"auth": "ZG9ja2VyOnB3"},
		"token.example.com": {"identitytoken": "tok"},
		"https://index.docker.io/v1/": {"auth": "aHViOnB3"}}}`)
	podman := filepath.Join(t.TempDir(), "auth.json")
	write(t, podman, `{"auths": {
		"podman.example.com": {"auth": "cG9kbWFuOnB3"},
		"podman.example.com/team": {"auth": "dGVhbTpwdw=="},
		"podman.example.com/other/": {"auth": "dGVhbTpwdw=="},
		"both.example.com": {"auth": "cG9kbWFuOnB3"}}}`)
	t.Setenv("REGISTRY_AUTH_FILE", podman)

	given := Login{Username: "ci", Password: "pw"}
	tests := []struct{ resource, want string }{
		{"docker.example.com/a", "docker:pw"},
		{"token.example.com/a", "token tok"},
		{"podman.example.com/a", "podman:pw"},
		{"podman.example.com/team/a", "team:pw"},
		{"podman.example.com/teams/a", "podman:pw"},
		{"podman.example.com/other/a", "team:pw"},
		{"both.example.com/a", "podman:pw"}, // the file that was named goes before
		{"docker.io/library/a", "hub:pw"},
		{"nobody.example.com/a", "anonymous"},
		{"given.example.com/a", "ci:pw"},
		{"given.example.com:5000/a", "anonymous"}, // another registry
	}
	k := Keychain("given.example.com", given)
	for _, tt := range tests {
		if got := resolve(t, k, repository(t, tt.resource)); got != tt.want {
			t.Errorf("Resolve(%s) = %s, want %s", tt.resource, got, tt.want)
		}
	}
}

func TestGivenLoginBeatsTheFile(t *testing.T) {
	write(t, home(t), `{"auths": {"r.example.com": {"auth": "ZG9ja2VyOnB3"}}}`)
	k := Keychain("r.example.com", Login{Username: "ci", Password: "pw"})
	if got, want := resolve(t, k, repository(t, "r.example.com/a")), "ci:pw"; got != want {
		t.Errorf("Resolve = %s, want %s", got, want)
	}
	if got, want := resolve(t, Keychain("r.example.com", Login{}), repository(t, "r.example.com/a")), "docker:pw"; got != want {
		t.Errorf("Resolve without a given login = %s, want %s", got, want)
	}
}

func TestKeychainReportsABrokenFile(t *testing.T) {
	config := home(t)
	write(t, config, `{"auths": {`)
	_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
	if err == nil || !strings.Contains(err.Error(), config) {
		t.Errorf("Resolve with a broken file = %v, want an error that names %s", err, config)
	}
}

func TestKeychainNamesAMissingHelper(t *testing.T) {
	write(t, home(t), `{"credHelpers": {"r.example.com": "nowhere"}}`)
	_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
	if err == nil || !strings.Contains(err.Error(), "docker-credential-nowhere, which is not installed") {
		t.Errorf("Resolve with a missing helper = %v, want an error that names it", err)
	}
	// Other registries do not depend on it.
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "other.example.com/a")), "anonymous"; got != want {
		t.Errorf("Resolve = %s, want %s", got, want)
	}
}

func TestStoreKeepsEverythingElse(t *testing.T) {
	config := home(t)
	write(t, config, `{"auths": {"old.example.com": {"auth": "ZG9ja2VyOnB3"}}, "detachKeys": "ctrl-e,e", "fromTheFuture": {"a": [1, 2]}}`)
	place, err := Store(t.Context(), "new.example.com", Login{Username: "me", Password: secret})
	if err != nil || place != (Storage{File: config}) {
		t.Fatalf("Store = %+v, %v, want %s", place, err, config)
	}
	var got map[string]any
	data, _ := os.ReadFile(config)
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"auths": map[string]any{
			"old.example.com": map[string]any{"auth": "ZG9ja2VyOnB3"},
			"new.example.com": map[string]any{"auth": "bWU6czNjcmV0LWRvLW5vdC1zaG93"},
		},
		"detachKeys":    "ctrl-e,e",
		"fromTheFuture": map[string]any{"a": []any{1.0, 2.0}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the file after Store (-want +got):\n%s", diff)
	}
	info, _ := os.Stat(config)
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("the file's mode after Store = %o, want 600", got)
	}
}

func TestStoreFindsItAgain(t *testing.T) {
	tests := []struct {
		host     string
		login    Login
		resource string
		want     string
	}{
		{"r.example.com", Login{"me", "pw:with:colons"}, "r.example.com/a", "me:pw:with:colons"},
		{"localhost:5000", Login{"me", "pw"}, "localhost:5000/a", "me:pw"},
		{"r.example.com", Login{TokenUser, "tok"}, "r.example.com/a", "token tok"},
		{"docker.io", Login{"me", "pw"}, "docker.io/library/a", "me:pw"},
	}
	for _, tt := range tests {
		t.Run(tt.host+" "+tt.login.Username, func(t *testing.T) {
			home(t)
			if _, err := Store(t.Context(), tt.host, tt.login); err != nil {
				t.Fatal(err)
			}
			if got := resolve(t, Keychain("", Login{}), repository(t, tt.resource)); got != tt.want {
				t.Errorf("Resolve(%s) after Store(%s) = %s, want %s", tt.resource, tt.host, got, tt.want)
			}
			if removed, _, err := Erase(t.Context(), tt.host); err != nil || !removed {
				t.Errorf("Erase(%s) = %v, %v, want true", tt.host, removed, err)
			}
			if got, want := resolve(t, Keychain("", Login{}), repository(t, tt.resource)), "anonymous"; got != want {
				t.Errorf("Resolve(%s) after Erase = %s, want %s", tt.resource, got, want)
			}
			if removed, _, err := Erase(t.Context(), tt.host); err != nil || removed {
				t.Errorf("Erase(%s) again = %v, %v, want false", tt.host, removed, err)
			}
		})
	}
}

// A config file that is damaged is not overwritten: there may be logins to rescue.
func TestStoreLeavesABrokenFileAlone(t *testing.T) {
	for _, content := range []string{`{"auths": {`, `[]`, `{"auths": {"r": {"auth": "%%%"}}}`} {
		config := home(t)
		write(t, config, content)
		if _, err := Store(t.Context(), "r.example.com", Login{"me", secret}); err == nil {
			t.Errorf("Store into %q = nil, want an error", content)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("Store into %q = %v, which shows the password", content, err)
		}
		if data, _ := os.ReadFile(config); string(data) != content {
			t.Errorf("after Store the broken file holds %q, want %q", data, content)
		}
	}
}

func TestStoreFollowsALink(t *testing.T) {
	config := home(t)
	elsewhere := filepath.Join(t.TempDir(), "real.json")
	write(t, elsewhere, `{}`)
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, config); err != nil {
		t.Fatal(err)
	}
	if _, err := Store(t.Context(), "r.example.com", Login{"me", "pw"}); err != nil {
		t.Fatal(err)
	}
	if target, err := os.Readlink(config); err != nil || target != elsewhere {
		t.Errorf("after Store the link is %q, %v, want %q", target, err, elsewhere)
	}
	if data, _ := os.ReadFile(elsewhere); !strings.Contains(string(data), "r.example.com") {
		t.Errorf("after Store the linked file holds %q, want the login", data)
	}
}

// helper installs a credential helper, a script that keeps what it is given in a folder.
func helper(t *testing.T, suffix string) (kept string) {
	t.Helper()
	bin, kept := t.TempDir(), t.TempDir()
	script := fmt.Sprintf(`#!/bin/sh
kept=%q
case "$1" in
store) cat > "$kept/login" ;;
get) if [ -f "$kept/login" ]; then cat "$kept/login"; else echo "credentials not found in native keychain"; exit 1; fi ;;
erase) rm -f "$kept/login" ;;
esac
`, kept)
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-"+suffix), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return kept
}

func TestHelperKeepsTheSecretOutOfTheFile(t *testing.T) {
	config := home(t)
	write(t, config, `{"credHelpers": {"r.example.com": "test"}, "fromTheFuture": true}`)
	kept := helper(t, "test")

	place, err := Store(t.Context(), "r.example.com", Login{"me", secret})
	if want := (Storage{File: config, Helper: "docker-credential-test"}); err != nil || place != want {
		t.Fatalf("Store = %+v, %v, want %+v", place, err, want)
	}
	data, _ := os.ReadFile(config)
	if strings.Contains(string(data), secret) || !strings.Contains(string(data), "fromTheFuture") {
		t.Errorf("the file after Store holds %s, want the other keys and no password", data)
	}
	if _, err := os.Stat(filepath.Join(kept, "login")); err != nil {
		t.Errorf("the helper was not given the login: %v", err)
	}
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/a")), "me:"+secret; got != want {
		t.Errorf("Resolve = %s, want %s", got, want)
	}
	if got, ok, err := Located("r.example.com"); err != nil || !ok || got != place {
		t.Errorf("Located = %+v, %v, want %+v", got, ok, place)
	}
	if removed, _, err := Erase(t.Context(), "r.example.com"); err != nil || !removed {
		t.Errorf("Erase = %v, %v, want true", removed, err)
	}
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/a")), "anonymous"; got != want {
		t.Errorf("Resolve after Erase = %s, want %s", got, want)
	}
}

func TestLocated(t *testing.T) {
	config := home(t)
	write(t, config, `{"auths": {"r.example.com": {"auth": "ZG9ja2VyOnB3"}}}`)
	if got, ok, err := Located("r.example.com"); err != nil || !ok || got.String() != config {
		t.Errorf("Located(r.example.com) = %v, %v, want %s", got, ok, config)
	}
	if got, ok, err := Located("other.example.com"); err != nil || ok {
		t.Errorf("Located(other.example.com) = %v, want nothing", got)
	}
}

func TestFromEnvironment(t *testing.T) {
	tests := []struct {
		name, user, password string
		want                 Login
		wantErr              string
	}{
		{"none", "", "", Login{}, ""},
		{"both", "ci", "pw", Login{"ci", "pw"}, ""},
		{"a newline at the end", "ci\n", " pw\r\n", Login{"ci", "pw"}, ""},
		{"no password", "ci", "", Login{}, "TEST_USERNAME is set, but TEST_PASSWORD is not"},
		{"no user", "", "pw", Login{}, "TEST_PASSWORD is set, but TEST_USERNAME is not"},
		{"only blanks", "ci", " \n", Login{}, "TEST_USERNAME is set, but TEST_PASSWORD is not"},
		{"two lines", "ci", secret + "\nb", Login{}, "TEST_PASSWORD: the password has more than one line"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv("TEST_USERNAME", tt.user)
			t.Setenv("TEST_PASSWORD", tt.password)
			got, err := FromEnvironment("TEST")
			if got != tt.want || errortest.Message(err) != tt.wantErr {
				t.Errorf("FromEnvironment = %+v, %v, want %+v, %q", got, err, tt.want, tt.wantErr)
			}
		})
	}
}

func TestClean(t *testing.T) {
	tests := []struct{ in, want, wantErr string }{
		{"pw", "pw", ""},
		{"pw\n", "pw", ""},
		{"  pw\r\n\r\n", "pw", ""},
		{"\ufeffpw", "pw", ""},
		{"p w", "p w", ""},
		{"", "", "the password is empty"},
		{" \r\n", "", "the password is empty"},
		{"a\nb", "", "the password has more than one line"},
		{"a\x00b", "", "the password contains a NUL byte"},
	}
	for _, tt := range tests {
		if got, err := Clean(tt.in); got != tt.want || errortest.Message(err) != tt.wantErr {
			t.Errorf("Clean(%q) = %q, %v, want %q, %q", tt.in, got, err, tt.want, tt.wantErr)
		}
	}
}

func TestLoginIsNeverPrinted(t *testing.T) {
	login := Login{"me", secret}
	for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(format, login); strings.Contains(got, secret) {
			t.Errorf("Sprintf(%s) = %s, which shows the password", format, got)
		}
	}
}
