package registrytest

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Binary finds a program that the tests run: in .cache/bin of this module, where `make
// test` builds it, or on the PATH. Where it is in neither the test is skipped, or fails
// when PGRELOCATE_REQUIRE_REAL is set, as it is by `make test`.
func Binary(tb testing.TB, name string) string {
	tb.Helper()
	if file := filepath.Join(ModuleRoot(tb), ".cache", "bin", name); isFile(file) {
		return file
	}
	// "registry" may be anybody's program where it is not in the cache.
	if file, err := exec.LookPath(name); err == nil && name != distributionBinary {
		return file
	}
	if os.Getenv("PGRELOCATE_REQUIRE_REAL") != "" {
		tb.Fatalf("%s is absent; make test-deps installs it", name)
	}
	tb.Skipf("%s is absent; make test-deps installs it", name)
	return ""
}

// ModuleRoot is the folder that holds this module's go.mod.
func ModuleRoot(tb testing.TB) string {
	tb.Helper()
	dir, err := os.Getwd()
	if err != nil {
		tb.Fatal(err)
	}
	for !isFile(filepath.Join(dir, "go.mod")) {
		parent := filepath.Dir(dir)
		if parent == dir {
			tb.Fatalf("no go.mod above the test's folder")
		}
		dir = parent
	}
	return dir
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func copyFile(tb testing.TB, from, to string) {
	tb.Helper()
	in, err := os.Open(from)
	if err != nil {
		tb.Fatal(err)
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		tb.Fatal(err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		tb.Fatal(err)
	}
	if err := out.Close(); err != nil {
		tb.Fatal(err)
	}
}
