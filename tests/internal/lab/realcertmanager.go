package lab

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart/charttest"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// RealCertManager is the release whose own chart and CRDs the tests install.
const RealCertManager = "v1.19.1"

// The module is fetched by name and not required in go.mod: its chart is all that is wanted of
// it, and a requirement would bring its dependencies into the choice of versions for ours. The
// sum is the one that go.sum would hold.
const (
	certManagerModule = "github.com/cert-manager/cert-manager"
	certManagerSum    = "h1:Txh8L/nLWTDcb7ZnXuXbTe15BxQnLbLirXmbNk0fGgY="
)

// certManagerFolder is where the module lies in Go's module cache. Where it cannot be had the
// test is skipped, unless real parts are required.
func certManagerFolder(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "mod", "download", "-json", certManagerModule+"@"+RealCertManager)
	cmd.Dir = t.TempDir() // outside of our own module
	out, err := cmd.Output()
	var module struct{ Dir, Sum, Error string }
	if parsed := json.Unmarshal(out, &module); parsed != nil || err != nil || module.Dir == "" {
		if os.Getenv("PGRELOCATE_REQUIRE_REAL") != "" {
			t.Fatalf("fetching %s: %v, %v, %s", certManagerModule, err, parsed, module.Error)
		}
		t.Skipf("%s cannot be fetched: %v, %s", certManagerModule, err, module.Error)
	}
	if module.Sum != certManagerSum {
		t.Fatalf("%s@%s has the sum %s, want %s", certManagerModule, RealCertManager, module.Sum, certManagerSum)
	}
	return module.Dir
}

// PublishCertManager puts cert-manager's own chart into a registry as its vendor does, with
// images that run a static program; an empty name stands for images in which nothing runs.
func PublishCertManager(t *testing.T, vendor *registrytest.Registry, program string) {
	t.Helper()
	source := filepath.Join(certManagerFolder(t), "deploy", "charts", "cert-manager")
	files := map[string]string{}
	for _, pattern := range []string{"*.yaml", "*.json", "templates/*"} {
		found, err := filepath.Glob(filepath.Join(source, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range found {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(source, file)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.ToSlash(name)] = string(content)
		}
	}
	// What the project's release tool fills in.
	metadata := strings.ReplaceAll(files["Chart.template.yaml"], "v0.0.0", RealCertManager)
	files["Chart.yaml"] = strings.ReplaceAll(metadata, "{{IS_PRERELEASE}}", "false")
	delete(files, "Chart.template.yaml")
	if len(files) < 40 || !strings.Contains(files["templates/crd-cert-manager.io_certificates.yaml"], "kind: CustomResourceDefinition") {
		t.Fatalf("%s is not the chart that was expected: %d files", source, len(files))
	}
	PushChart(t, vendor, "charts/cert-manager:"+RealCertManager, charttest.Pack(t, files))
	for _, image := range []string{"controller", "webhook", "cainjector", "acmesolver", "startupapicheck"} {
		PushImage(t, vendor, "cert-manager-"+image+":"+RealCertManager, program)
	}
}
