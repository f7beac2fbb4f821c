package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveCharts is the script command: charts NAME FOLDER. It serves the packed charts of a folder,
// NAME-VERSION.tgz, as a classic Helm repository, and puts its address into the environment.
func serveCharts(t *testing.T, ts *testscript.TestScript, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: charts NAME FOLDER")
	}
	folder := ts.MkAbs(args[1])
	packed, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	ts.Check(err)
	index := "apiVersion: v1\nentries:\n"
	for _, file := range packed {
		content, err := os.ReadFile(file)
		ts.Check(err)
		name, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".tgz"), "-")
		index += fmt.Sprintf("  %s:\n  - {name: %s, version: %s, digest: %x, urls: [%s]}\n",
			name, name, version, sha256.Sum256(content), filepath.Base(file))
	}
	ts.Check(os.WriteFile(filepath.Join(folder, "index.yaml"), []byte(index), 0o600))
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	t.Cleanup(server.Close)
	ts.Setenv(args[0], server.URL)
}
