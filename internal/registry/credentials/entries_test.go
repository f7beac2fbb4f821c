package credentials

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Docker's own registry has three names, and each tool writes another one.
func TestTheNamesOfDockersRegistry(t *testing.T) {
	for _, entry := range []string{"docker.io", "index.docker.io", "registry-1.docker.io", "https://index.docker.io/v1/", "docker.io/library"} {
		write(t, home(t), one(entry, "hub"))
		if got, want := resolve(t, Keychain("", Login{}), repository(t, "docker.io/library/a")), "hub:pw"; got != want {
			t.Errorf("Resolve() with an entry for %s = %s, want %s", entry, got, want)
		}
		if _, ok, err := Located("docker.io"); !ok || err != nil {
			t.Errorf("Located() with an entry for %s finds none: %v", entry, err)
		}
		if got := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/library/a")); got != "anonymous" {
			t.Errorf("Resolve() of another registry with an entry for %s = %s, want none", entry, got)
		}
	}
}

// script installs a helper, a shell script.
func script(t *testing.T, suffix, text string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the helpers here are shell scripts")
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-"+suffix), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// Helpers keep the login of docker's registry under the address that docker gives them.
func TestAHelperIsAskedForDockersRegistryAsDockerAsks(t *testing.T) {
	script(t, "exact", `read -r asked
if [ "$asked" != https://index.docker.io/v1/ ]; then echo "credentials not found in native keychain"; exit 1; fi
echo '{"Username": "hub", "Secret": "pw"}'
`)
	for _, config := range []string{`{"credsStore": "exact"}`, `{"credHelpers": {"https://index.docker.io/v1/": "exact"}}`, `{"credHelpers": {"docker.io": "exact"}}`} {
		write(t, home(t), config)
		if got, want := resolve(t, Keychain("", Login{}), repository(t, "docker.io/library/a")), "hub:pw"; got != want {
			t.Errorf("Resolve() with %s = %s, want %s", config, got, want)
		}
	}
}

// A helper that has answered is not waited for, whatever it leaves behind with its output in hand.
func TestAHelperThatLeavesSomethingRunning(t *testing.T) {
	dir := t.TempDir() // what is left ends with it
	script(t, "leaves", `echo '{"Username": "me", "Secret": "pw"}'
(while [ -d "`+dir+`" ]; do sleep 0.1; done) 2>/dev/null &
`)
	write(t, home(t), `{"credsStore": "leaves"}`)
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/a")), "me:pw"; got != want {
		t.Errorf("Resolve() = %s, want %s", got, want)
	}
}

// What a helper prints that is no login is said, and not quoted.
func TestAHelperThatPrintsNoLogin(t *testing.T) {
	for printed, want := range map[string]string{
		"":                               "printed nothing",
		"hello " + secret:                "is no login",
		`{"Secret": "` + secret:          "is no login",
		`{"Username": 5, "Secret": "x"}`: "is no login",
	} {
		script(t, "odd", "cat <<'END'\n"+printed+"\nEND\n")
		write(t, home(t), `{"credsStore": "odd"}`)
		_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("Resolve() = %v where the helper prints %q, want %q", err, printed, want)
		}
	}
}

// DOCKER_AUTH_CONFIG is a config file like any other, and the first: with folders, and with helpers.
func TestTheVariableThatIsAConfigFile(t *testing.T) {
	script(t, "some", `echo '{"Username": "helped", "Secret": "pw"}'`)
	write(t, home(t), one("r.example.com", "file"))
	t.Setenv(DockerVariable, `{"HttpHeaders": {}, "credHelpers": {"helped.example.com": "some"}, "auths": {
		"https://r.example.com": {"auth": "dmFyOnB3"}, "r.example.com/team": {"auth": "dGVhbTpwdw=="}}}`)
	for resource, want := range map[string]string{
		"r.example.com/a":      "var:pw",
		"r.example.com/team/a": "team:pw",
		"helped.example.com/a": "helped:pw",
		"other.example.com/a":  "anonymous",
	} {
		if got := resolve(t, Keychain("", Login{}), repository(t, resource)); got != want {
			t.Errorf("Resolve(%s) = %s, want %s", resource, got, want)
		}
	}
	if place, ok, err := Located("r.example.com"); err != nil || !ok || place.String() != DockerVariable {
		t.Errorf("Located() = %v, %v, %v, want %s", place, ok, err, DockerVariable)
	}
	t.Setenv(DockerVariable, `{"auths": {"r.example.com": {"auth": "`+secret)
	_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
	if err == nil || !strings.Contains(err.Error(), DockerVariable) || strings.Contains(err.Error(), secret) {
		t.Errorf("Resolve() = %v with a broken variable, want an error that names it", err)
	}
}

// A login is forgotten under all its names, and one that stands elsewhere is not called removed.
func TestEraseForgetsAllNames(t *testing.T) {
	for _, entry := range []string{"r.example.com", "https://r.example.com", "https://r.example.com/v1/", "r.example.com/"} {
		config := home(t)
		write(t, config, `{"auths": {"`+entry+`": {"auth": "ZmlsZTpwdw=="}, "r.example.com/team": {"auth": "dGVhbTpwdw=="}}}`)
		if held, _, err := Erase(t.Context(), "r.example.com"); err != nil || !held {
			t.Fatalf("Erase() with an entry for %s = %v, %v", entry, held, err)
		}
		for resource, want := range map[string]string{"r.example.com/a": "anonymous", "r.example.com/team/a": "team:pw"} {
			if got := resolve(t, Keychain("", Login{}), repository(t, resource)); got != want {
				t.Errorf("Resolve(%s) = %s without the entry for %s, want %s", resource, got, entry, want)
			}
		}
	}
	home(t)
	t.Setenv(DockerVariable, one("r.example.com", "var"))
	if held, place, err := Erase(t.Context(), "r.example.com"); err != nil || held {
		t.Errorf("Erase() of a login in %s = %v, %v, %v: it stands there still", DockerVariable, held, place, err)
	}
}
