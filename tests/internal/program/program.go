// Package program is pgrelocate for the tests that run it as users do.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// given is the environment variable that names a program built already, as tests/run.sh does: one
// for all packages.
const given = "TESTED_PGRELOCATE"

// Build returns the file of pgrelocate as users have it: the one that is given, or one that it
// builds, once. Remove it in the end.
var Build = sync.OnceValues(func() (string, error) {
	if file := os.Getenv(given); file != "" {
		// Go remembers what a test has looked at: its result is not taken for that of another program.
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("%s: %w", given, err)
		}
		return file, nil
	}
	dir, err := os.MkdirTemp("", "pgrelocate-test-")
	if err != nil {
		return "", err
	}
	built = filepath.Join(dir, "pgrelocate")
	build := exec.Command("go", "build", "-o", built, "github.com/pgrelocate/pgrelocate/cmd/pgrelocate")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building pgrelocate: %w\n%s", err, out)
	}
	return built, nil
})

// built is where the program lies, or would; empty where nobody has built one.
var built string

// Remove removes what Build has built, if it has. No test may run any more.
func Remove() {
	if built != "" {
		_ = os.RemoveAll(filepath.Dir(built))
	}
}
