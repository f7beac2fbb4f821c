package credentials

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/docker/cli/cli/config/configfile"
)

// one is a config file with one login, USER:pw.
func one(host, user string) string {
	return fmt.Sprintf(`{"auths": {%q: {"username": %q, "password": "pw"}}}`, host, user)
}

// The places are those of docker, podman and Helm; a file that was named goes before all.
func TestPlacesInTheirOrder(t *testing.T) {
	docker := home(t)
	dir := filepath.Dir(filepath.Dir(docker))
	session, run := t.TempDir(), t.TempDir()
	runDir = run
	t.Cleanup(func() { runDir = "/run" })
	t.Setenv("HELM_REGISTRY_CONFIG", "")
	t.Setenv("XDG_RUNTIME_DIR", session)
	named := filepath.Join(t.TempDir(), "auth.json")
	t.Setenv("REGISTRY_AUTH_FILE", named)
	places := []struct{ user, file string }{
		{"named", named},
		{"docker", docker},
		{"session", filepath.Join(session, "containers", "auth.json")},
		{"run", filepath.Join(run, "containers", strconv.Itoa(os.Getuid()), "auth.json")},
		{"podman", filepath.Join(dir, ".config", "containers", "auth.json")},
		{"helm", filepath.Join(dir, ".config", "helm", "registry", "config.json")},
	}
	for i := len(places) - 1; i >= 0; i-- {
		write(t, places[i].file, one("r.example.com", places[i].user))
		if got, want := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/a")), places[i].user+":pw"; got != want {
			t.Errorf("with a login in %s: Resolve() = %s, want %s", places[i].file, got, want)
		}
	}
	if err := os.Remove(named); err != nil {
		t.Fatal(err)
	}
	helm := filepath.Join(t.TempDir(), "helm.json")
	t.Setenv("HELM_REGISTRY_CONFIG", helm)
	write(t, helm, one("only-helm.example.com", "named-helm"))
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "only-helm.example.com/a")), "named-helm:pw"; got != want {
		t.Errorf("Resolve() = %s, want %s", got, want)
	}
}

// What lies in the working directory is nobody's place for logins, whatever the environment says.
func TestPlacesBelowTheWorkingDirectory(t *testing.T) {
	home(t)
	t.Chdir(t.TempDir())
	t.Setenv("HELM_REGISTRY_CONFIG", "")
	for variable, file := range map[string][]string{
		"XDG_RUNTIME_DIR": {"containers/auth.json"},
		"XDG_CONFIG_HOME": {"containers/auth.json", "helm/registry/config.json"},
		"HOME":            {".docker/config.json", ".config/containers/auth.json", ".config/helm/registry/config.json"},
	} {
		for _, name := range file {
			write(t, name, one("r.example.com", "stranger"))
		}
		if variable == "HOME" {
			t.Setenv("DOCKER_CONFIG", "")
		}
		t.Setenv(variable, ".")
		if got := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/a")); got != "anonymous" {
			t.Errorf("with %s=.: Resolve() = %s, want none", variable, got)
		}
		t.Setenv(variable, "")
	}
}

// A login for one folder of a registry is no login for another, nor for the registry.
func TestLoginsOfFolders(t *testing.T) {
	entry := func(user string) string { return fmt.Sprintf(`{"username": %q, "password": "pw"}`, user) }
	tests := []struct {
		name, config string
		want         map[string]string
	}{
		{"folders only", `{"auths": {"r.example.com/one": ` + entry("one") + `, "r.example.com/two": ` + entry("two") + `}}`, map[string]string{
			"r.example.com/one/a": "one:pw", "r.example.com/two/a": "two:pw", "r.example.com/three/a": "anonymous", "r.example.com/onetwo": "anonymous",
		}},
		{"with the registry's", `{"auths": {"r.example.com": ` + entry("all") + `, "r.example.com/one": ` + entry("one") + `, "r.example.com/one/deep": ` + entry("deep") + `}}`,
			map[string]string{"r.example.com/one/a": "one:pw", "r.example.com/one/deep/a": "deep:pw", "r.example.com/two/a": "all:pw"}},
		{"addresses that docker wrote", `{"auths": {"https://r.example.com/v1/": ` + entry("old") + `, "r.example.com/one": ` + entry("one") + `}}`,
			map[string]string{"r.example.com/one/a": "one:pw", "r.example.com/two/a": "old:pw"}},
		{"without a scheme", `{"auths": {"r.example.com/v2/": ` + entry("old") + `}}`, map[string]string{"r.example.com/one/a": "old:pw"}},
		{"another host", `{"auths": {"r.example.com.evil.org": ` + entry("evil") + `, "https://r.example.com:5000": ` + entry("port") + `}}`,
			map[string]string{"r.example.com/one/a": "anonymous", "r.example.com:5000/one/a": "port:pw"}},
	}
	for _, tt := range tests {
		write(t, home(t), tt.config)
		t.Setenv(configfile.DockerEnvConfigKey, "")
		for name, want := range tt.want {
			for range 5 { // nor by chance
				if got := resolve(t, Keychain("", Login{}), repository(t, name)); got != want {
					t.Errorf("%s: Resolve(%s) = %s, want %s", tt.name, name, got, want)
				}
			}
		}
	}
}

// A folder's entry counts in whichever file it stands.
func TestLoginOfAFolderInAnotherFile(t *testing.T) {
	write(t, home(t), one("r.example.com", "docker"))
	podman := filepath.Join(t.TempDir(), "auth.json")
	t.Setenv("REGISTRY_AUTH_FILE", podman)
	write(t, podman, one("r.example.com/team", "team"))
	for name, want := range map[string]string{"r.example.com/team/a": "team:pw", "r.example.com/a": "docker:pw"} {
		if got := resolve(t, Keychain("", Login{}), repository(t, name)); got != want {
			t.Errorf("Resolve(%s) = %s, want %s", name, got, want)
		}
	}
}

const loginsAtOnce = 12

// TestHelperLogin is no test of its own: it is a process that logs in.
func TestHelperLogin(t *testing.T) {
	host := os.Getenv("TEST_LOGIN_AT")
	if host == "" {
		t.Skip("it runs for TestLoginsAtTheSameTime")
	}
	if _, err := Store(t.Context(), host, Login{Username: "me", Password: "pw"}); err != nil {
		t.Fatal(err)
	}
}

func TestLoginsAtTheSameTime(t *testing.T) {
	name := home(t)
	write(t, name, one("before.example.com", "before"))
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range loginsAtOnce {
		group.Go(func() {
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestHelperLogin$")
			cmd.Env = append(os.Environ(), fmt.Sprintf("TEST_LOGIN_AT=r%d.example.com", i), "PATH=")
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("login %d: %v\n%s", i, err, out)
			}
		})
	}
	group.Wait()
	file, err := read(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := len(file.AuthConfigs); got != loginsAtOnce+1 {
		t.Errorf("%d logins are kept, want %d", got, loginsAtOnce+1)
	}
}
