// Package program builds pgrelocate for the tests that run it as users do.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Build builds pgrelocate as users have it, once, and returns its file. Remove it in the end.
var Build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "pgrelocate-test-")
	if err != nil {
		return "", err
	}
	built = filepath.Join(dir, "pgrelocate")
	cmd := exec.Command("go", "build", "-o", built, "github.com/pgrelocate/pgrelocate/cmd/pgrelocate")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building pgrelocate: %w\n%s", err, out)
	}
	return built, nil
})

// built is where the program lies, or would; empty where nobody has asked for it.
var built string

// Remove removes what Build has built, if it has. No test may run any more.
func Remove() {
	if built != "" {
		_ = os.RemoveAll(filepath.Dir(built))
	}
}
