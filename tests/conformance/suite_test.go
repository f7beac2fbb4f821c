package conformance_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// report is what the suite says at its end.
type report struct {
	// kinds are the kinds of requests and of content by how they fared: Pass, Skip for what
	// the registry says that it does not do, Disabled for what was not tried.
	kinds map[string][]string
	// skipped are the tests that were skipped, each once, by the last part of their name.
	skipped []string
}

var (
	verdict  = regexp.MustCompile(`(?m)^OCI Conformance Result: (\w+)$`)
	testLine = regexp.MustCompile(`(?m)^ *OCI Conformance Test/(?:.*/)?(.*): (\w+)$`)
	kindLine = regexp.MustCompile(`(?m)^  (\w[\w -]*?)\.*: +(Pass|Skip|Disabled|Unknown)$`)
)

// suite runs the suite against a registry on the loopback, and wants nothing to fail. Settings
// are its own, without the OCI_ before them.
func suite(t *testing.T, host string, settings map[string]string) report {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), registrytest.Binary(t, "conformance"))
	cmd.Dir = t.TempDir() // where it reads settings from a file, and leaves files of its own
	cmd.Env = []string{"OCI_REGISTRY=" + host, "OCI_TLS=disabled", "OCI_VERSION=1.1"}
	for name, value := range settings {
		cmd.Env = append(cmd.Env, "OCI_"+name+"="+value)
	}
	// The exit code says less than the report: with a registry that is only read, the suite
	// falls over the files that it writes after it.
	out, err := cmd.CombinedOutput()
	said := string(out)
	if match := verdict.FindStringSubmatch(said); match == nil || match[1] != "Pass" {
		t.Errorf("conformance = %v, %v\n%s", match, err, failures(said))
	}
	r := report{kinds: map[string][]string{}}
	for _, match := range kindLine.FindAllStringSubmatch(said, -1) {
		r.kinds[match[2]] = append(r.kinds[match[2]], match[1])
	}
	for _, match := range testLine.FindAllStringSubmatch(said, -1) {
		if match[2] == "Skip" {
			r.skipped = append(r.skipped, match[1])
		}
	}
	slices.Sort(r.skipped)
	r.skipped = slices.Compact(r.skipped)
	return r
}

// failures are the tests that failed, each with the line after it, which says why.
func failures(said string) string {
	var wrong []string
	lines := strings.Split(said, "\n")
	for i, line := range lines[:len(lines)-1] {
		if strings.HasSuffix(line, ": FAIL") || strings.HasSuffix(line, ": Error") {
			wrong = append(wrong, line, lines[i+1])
		}
	}
	return strings.Join(wrong, "\n")
}
