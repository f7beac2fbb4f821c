package credentials

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
)

// hangingHelper installs a helper that answers once release has been called, and is gone with the test.
func hangingHelper(t *testing.T, suffix string) (release func()) {
	t.Helper()
	bin := t.TempDir()
	released := filepath.Join(bin, "released")
	script := fmt.Sprintf(`#!/bin/sh
while [ -d %q ] && [ ! -e %q ]; do sleep 0.02; done
echo '{"Username": "me", "Secret": "late"}'
`, bin, released)
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-"+suffix), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() { write(t, released, "") }
}

// A helper that fails after it has printed a login, or while it does, gives nothing away.
func TestHelperThatFailsWithALogin(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for _, printed := range []string{
		`{"Username": "me", "Secret": "` + secret + `"} and more`,
		`{"ServerURL": "x", "secret":"` + secret,
		"the session is over",
	} {
		write(t, home(t), `{"credHelpers": {"r.example.com": "fails"}}`)
		script := "#!/bin/sh\ncat <<'END'\n" + printed + "\nEND\nexit 1\n"
		if err := os.WriteFile(filepath.Join(bin, "docker-credential-fails"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := Keychain("", Login{}).Resolve(repository(t, "r.example.com/a"))
		if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), "exit status 1") {
			t.Errorf("Resolve() = %v where the helper prints %s", err, printed)
		}
		if own := strings.Contains(printed, "session"); own != strings.Contains(err.Error(), "session is over") {
			t.Errorf("Resolve() = %v, want the helper's words where there is no secret in them", err)
		}
	}
}

// Whoever gives up waiting for a helper goes on at once, and who comes later gets its answer.
func TestHelperThatHangs(t *testing.T) {
	write(t, home(t), `{"credHelpers": {"r.example.com": "hang"}}`)
	release := hangingHelper(t, "hang")
	k := Keychain("given.example.com", Login{Username: "ci", Password: "pw"})
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	for range 2 {
		if _, err := authn.Resolve(ctx, k, repository(t, "r.example.com/a")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Resolve = %v with a helper that hangs, want the end of the context", err)
		}
	}
	if got, want := resolve(t, k, repository(t, "given.example.com/a")), "ci:pw"; got != want {
		t.Errorf("Resolve = %s beside a helper that hangs, want %s", got, want)
	}
	release()
	if got, want := resolve(t, k, repository(t, "r.example.com/a")), "me:late"; got != want {
		t.Errorf("Resolve = %s once the helper answers, want %s", got, want)
	}
}
