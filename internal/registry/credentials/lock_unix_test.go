//go:build unix

package credentials

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// stopped calls Store and Erase while wait holds them up, and ends their context then.
func stopped(t *testing.T, what string) {
	t.Helper()
	stop := errors.New("stopped")
	for name, change := range map[string]func(context.Context) error{
		"Store": func(ctx context.Context) error {
			_, err := Store(ctx, "r.example.com", Login{"me", secret})
			return err
		},
		"Erase": func(ctx context.Context) error {
			_, _, err := Erase(ctx, "r.example.com")
			return err
		},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(stop)
		if err := change(ctx); !errors.Is(err, stop) {
			t.Errorf("%s() = %v where %s holds it up, want %v", name, err, what, stop)
		}
	}
}

// folder is docker's, with nothing in it; the file's name is returned.
func folder(t *testing.T) string {
	t.Helper()
	config := home(t)
	if err := os.MkdirAll(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	return config
}

// Neither a pipe, another login nor a helper keeps a login, or its end, from being given up.
func TestLoginsThatAreHeldUp(t *testing.T) {
	if err := syscall.Mkfifo(folder(t), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped(t, "a pipe")

	config := folder(t)
	release, err := files.Guard(t.Context(), config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	stopped(t, "another login")

	config = home(t)
	write(t, config, `{"credHelpers": {"r.example.com": "hang"}}`)
	let := hangingHelper(t, "hang")
	stopped(t, "a helper")
	let()
	over, err := files.Guard(t.Context(), config, nil) // what was given up writes, and is over then
	if err != nil {
		t.Fatal(err)
	}
	over()
}

// Nothing is written where a link leads that stands in the lock's place.
func TestLoginWhereTheLockIsALink(t *testing.T) {
	config := folder(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for _, name := range []string{config + ".lock", filepath.Join(filepath.Dir(config), "."+filepath.Base(config)+".guard")} {
		if err := os.Symlink(elsewhere, name); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Store(t.Context(), "r.example.com", Login{"me", secret}); err == nil {
		t.Error("Store() = nil, want what keeps it from locking")
	}
	if _, err := os.Lstat(elsewhere); err == nil {
		t.Error("a file was made where the link leads")
	}
}
