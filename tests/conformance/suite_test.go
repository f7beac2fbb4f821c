package conformance_test

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// results are what the suite found, each Pass, Skip, Disabled or a failure, by name.
type results struct {
	APIs map[string]string `json:"apis"`
	Data map[string]string `json:"data"`
}

// suite runs the suite against a registry on the loopback. Settings are its own, without the
// OCI_ before them; the version is that of the specification.
func suite(t *testing.T, host string, settings map[string]string) results {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), registrytest.Binary(t, "conformance"))
	cmd.Dir = t.TempDir() // it reads a file of settings where it is
	found := filepath.Join(cmd.Dir, "results")
	cmd.Env = []string{
		"OCI_REGISTRY=" + host, "OCI_TLS=disabled", "OCI_VERSION=1.1", "OCI_RESULTS_DIR=" + found,
		// Said to be optional there, and done here.
		"OCI_API_BLOBS_DIGEST_HEADER=true", "OCI_API_MANIFESTS_DIGEST_HEADER=true",
	}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, "OCI_"+name+"="+value)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("conformance: %v\n%s", err, failures(string(out)))
	}
	text, err := os.ReadFile(filepath.Join(found, "results.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// failures are the lines of the suite's report that say what went wrong, each with the next,
// which says why.
func failures(report string) string {
	var wrong []string
	lines := strings.Split(report, "\n")
	for i, line := range lines[:len(lines)-1] {
		if strings.HasSuffix(line, ": FAIL") || strings.HasSuffix(line, ": Error") {
			wrong = append(wrong, line, lines[i+1])
		}
	}
	return strings.Join(wrong, "\n")
}

// passed are the names of what passed, the others as NAME: RESULT.
func passed(found map[string]string) (names, others []string) {
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if found[name] == "Pass" {
			names = append(names, name)
		} else {
			others = append(others, fmt.Sprintf("%s: %s", name, found[name]))
		}
	}
	return names, others
}
