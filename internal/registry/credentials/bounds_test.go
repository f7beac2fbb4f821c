package credentials

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// A config file that is larger than any with logins is refused at every door, before anything is made of it, and
// stays as it is.
func TestConfigThatIsTooLarge(t *testing.T) {
	config := home(t)
	text := `{"auths": {` + strings.Repeat(`"":{},`, mostConfig/6) + `"r.example.com": {"auth": "bWU6cHc="}}}`
	write(t, config, text)
	doors := map[string]func() error{
		"Resolve": func() error {
			_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
			return err
		},
		"Store": func() error {
			_, err := Store(t.Context(), "r.example.com", Login{"me", secret})
			return err
		},
		"Erase": func() error {
			_, _, err := Erase(t.Context(), "r.example.com")
			return err
		},
		"Located": func() error {
			_, _, err := Located("r.example.com")
			return err
		},
	}
	for name, open := range doors {
		if err := open(); !errors.Is(err, files.ErrTooLarge) || !strings.Contains(err.Error(), config+": ") {
			t.Errorf("%s = %v, want that %s is too large", name, err, config)
		}
	}
	if kept, err := os.ReadFile(config); err != nil || string(kept) != text {
		t.Errorf("the file is another now, %d bytes, %v", len(kept), err)
	}
}

// What a helper prints is read up to a bound, whatever it is asked for.
func TestHelperThatPrintsTooMuch(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	script := "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' ' '\necho '{\"Username\": \"me\", \"Secret\": \"late\"}'\n"
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-talks"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	config := home(t)
	write(t, config, `{"credHelpers": {"r.example.com": "talks"}}`)
	for name, ask := range map[string]func() error{
		"Resolve": func() error {
			_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
			return err
		},
		"Store": func() error {
			_, err := Store(t.Context(), "r.example.com", Login{"me", secret})
			return err
		},
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), "docker-credential-talks") || !strings.Contains(err.Error(), "printed more than") {
			t.Errorf("%s = %v, want that the helper says too much", name, err)
		}
	}
}

// What DOCKER_AUTH_CONFIG holds goes before what a helper has, and the helper is asked for what it lacks.
func TestEnvironmentBeforeTheHelper(t *testing.T) {
	config := home(t)
	write(t, config, `{"credsStore": "test"}`)
	kept := helper(t, "test")
	write(t, filepath.Join(kept, "login"), `{"Username": "<token>", "Secret": "kept"}`)
	t.Setenv("DOCKER_AUTH_CONFIG", `{"auths": {"r.example.com": {"auth": "ZW52OnB3"}}}`)
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "r.example.com/a")), "env:pw"; got != want {
		t.Errorf("Resolve = %s, want %s", got, want)
	}
	if got, want := resolve(t, Keychain("", Login{}), repository(t, "other.example.com/a")), "token kept"; got != want {
		t.Errorf("Resolve = %s, want %s", got, want)
	}
}
