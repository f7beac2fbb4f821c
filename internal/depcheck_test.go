// Package internal_test holds the shape of the whole module: who may import whom.
package internal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/pgrelocate/pgrelocate"

// layers are the packages in the order of the flow: each may import those before it.
var layers = []string{"internal/versions", "internal/registry", "internal/chart", "internal/install", "cmd/pgrelocate"}

// testSupport is for tests only. (The stand-in release is not: the demonstration shows it.)
var testSupport = []string{module + "/internal/registry/registrytest", module + "/internal/registry/registrytest/contract", module + "/internal/registry/registrytest/faults", module + "/internal/registry/registrytest/slowlink", module + "/internal/registry/bundle/bundletest", module + "/internal/chart/charttest", module + "/internal/registry/signature/signaturetest", module + "/internal/install/clustertest", module + "/internal/browsertest", module + "/internal/schematest", module + "/internal/errortest"}

// pkg is what `go list -json` says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
	Deps       []string
}

func TestImportsRunOneWay(t *testing.T) {
	for _, p := range modulePackages(t) {
		from := layerOf(p.ImportPath)
		if from < 0 { // the tests' own packages stand beside the flow
			continue
		}
		for _, imported := range p.Imports {
			if to := layerOf(imported); to > from {
				t.Errorf("%s imports %s: imports run %s", p.ImportPath, imported, strings.Join(layers, " <- "))
			}
		}
	}
}

// rooms says for each package below internal which others of the module it may import, besides
// those of versions, which all may. Siblings import each other only where it stands here.
var rooms = map[string][]string{
	"internal/files":      {"internal/heed"},
	"internal/finding":    nil,
	"internal/heed":       nil,
	"internal/formats":    {"internal/versions", "internal/versions/ref"},
	"internal/jsonlimit":  nil,
	"internal/yamllimit":  nil,
	"internal/nodes":      {"internal/versions", "internal/versions/ref"},
	"internal/schematest": nil,
	"internal/errortest":  nil,
	"internal/secrets":    nil,

	"internal/versions/document":    nil,
	"internal/versions/ref":         nil,
	"internal/versions/releasename": nil,
	"internal/versions/suggest":     {"internal/versions/ref"},
	"internal/versions/valuepath":   {"internal/versions/ref"},
	"internal/versions/postgres":    {"internal/versions/ref", "internal/versions/suggest"},
	"internal/versions/template":    {"internal/versions/postgres", "internal/versions/ref", "internal/versions/suggest"},
	"internal/versions/schema":      {"internal/versions/document", "internal/versions/postgres", "internal/versions/ref", "internal/versions/releasename", "internal/versions/suggest", "internal/versions/template"},
	"internal/versions":             {"internal/versions/postgres", "internal/versions/ref", "internal/versions/releasename", "internal/versions/schema", "internal/versions/suggest", "internal/versions/template", "internal/versions/valuepath"},
	"internal/versions/compile":     {"internal/versions", "internal/versions/postgres", "internal/versions/ref", "internal/versions/releasename", "internal/versions/schema", "internal/versions/suggest", "internal/versions/template", "internal/versions/valuepath"},
	"internal/versions/catalogue":   {"internal/versions", "internal/versions/compile", "internal/versions/schema"},
	"internal/versions/learning":    {"internal/versions", "internal/versions/catalogue", "internal/versions/compile", "internal/versions/postgres", "internal/versions/ref", "internal/versions/releasename", "internal/versions/schema", "internal/versions/template"},

	"internal/registry":                               {"internal/registry/oci"},
	"internal/registry/oci":                           {"internal/jsonlimit"},
	"internal/registry/plan":                          {"internal/jsonlimit", "internal/registry", "internal/registry/holdings", "internal/registry/oci"},
	"internal/registry/holdings":                      {"internal/registry", "internal/registry/oci"},
	"internal/registry/admission":                     {"internal/jsonlimit", "internal/registry", "internal/registry/oci", "internal/registry/plan", "internal/registry/signature"},
	"internal/registry/attestation":                   {"internal/registry", "internal/registry/oci"},
	"internal/registry/signature":                     {"internal/jsonlimit"},
	"internal/registry/transfer":                      {"internal/registry", "internal/registry/oci", "internal/registry/pieces", "internal/registry/plan"},
	"internal/registry/tagging":                       {"internal/registry", "internal/registry/lock", "internal/registry/oci", "internal/registry/plan"},
	"internal/registry/fanout":                        {"internal/files", "internal/registry", "internal/registry/oci", "internal/registry/pieces", "internal/registry/plan"},
	"internal/registry/remote":                        {"internal/heed", "internal/jsonlimit", "internal/registry", "internal/registry/oci", "internal/registry/remote/download", "internal/registry/remote/pages", "internal/registry/remote/referrers", "internal/registry/remote/transport", "internal/registry/remote/uploads"},
	"internal/registry/remote/download":               {"internal/registry/remote/transport"},
	"internal/registry/remote/pages":                  {"internal/registry/remote/transport"},
	"internal/registry/remote/referrers":              {"internal/jsonlimit", "internal/registry", "internal/registry/oci", "internal/registry/remote/pages", "internal/registry/remote/transport"},
	"internal/registry/remote/uploads":                {"internal/files"},
	"internal/registry/remote/transport":              {"internal/registry", "internal/secrets", "internal/registry/remote/transport/auth", "internal/registry/remote/transport/certificates", "internal/registry/remote/transport/gate", "internal/registry/remote/transport/proxies", "internal/registry/remote/transport/refusal", "internal/registry/remote/transport/stall"},
	"internal/registry/remote/transport/certificates": {"internal/files", "internal/registry"},
	"internal/registry/remote/transport/gate":         nil,
	"internal/registry/remote/transport/proxies":      {"internal/registry", "internal/registry/remote/transport/refusal"},
	"internal/registry/remote/transport/refusal":      {"internal/jsonlimit", "internal/registry"},
	"internal/registry/remote/transport/stall":        {"internal/registry"},
	"internal/registry/remote/transport/auth":         {"internal/jsonlimit", "internal/registry", "internal/secrets"},
	"internal/registry/lock":                          {"internal/jsonlimit", "internal/registry", "internal/registry/holdings", "internal/registry/oci", "internal/registry/plan"},
	"internal/registry/bundle":                        {"internal/files", "internal/registry", "internal/registry/holdings", "internal/registry/oci", "internal/registry/lock", "internal/registry/bundle/archive", "internal/registry/bundle/imagelayout", "internal/registry/bundle/write"},
	"internal/registry/bundle/archive":                {"internal/files", "internal/jsonlimit", "internal/registry/bundle/imagelayout", "internal/registry/bundle/volumes"},
	"internal/registry/bundle/write":                  {"internal/files", "internal/registry", "internal/registry/oci", "internal/registry/lock", "internal/registry/bundle/imagelayout", "internal/registry/bundle/volumes"},
	"internal/registry/bundle/imagelayout":            nil,
	"internal/registry/bundle/volumes":                {"internal/files"},
	"internal/registry/bundle/bundletest":             {"internal/registry", "internal/registry/oci", "internal/registry/lock", "internal/registry/bundle/imagelayout", "internal/registry/bundle/write"},
	"internal/registry/server":                        {"internal/jsonlimit", "internal/registry", "internal/registry/oci"},
	"internal/registry/server/certificate":            {"internal/files"},
	"internal/registry/server/store":                  {"internal/files", "internal/registry", "internal/registry/oci", "internal/registry/server"},
	"internal/registry/credentials":                   {"internal/files", "internal/heed"},
	"internal/registry/pieces":                        nil,
	"internal/registry/memory":                        {"internal/registry", "internal/registry/oci"},
	"internal/registry/selfimage":                     {"internal/registry/oci"},
	"internal/registry/shard":                         {"internal/registry/lock"},
	"internal/registry/checkup":                       {"internal/finding", "internal/registry", "internal/registry/credentials", "internal/registry/oci", "internal/registry/remote", "internal/registry/remote/transport", "internal/registry/remote/transport/proxies"},
	"internal/registry/contrast":                      nil,
	"internal/registry/prune":                         {"internal/registry", "internal/registry/attestation", "internal/registry/oci"},
	"internal/registry/registrytest":                  nil,
	"internal/registry/registrytest/contract":         {"internal/registry", "internal/registry/oci"},
	"internal/registry/registrytest/faults":           {"internal/registry/registrytest"},
	"internal/registry/registrytest/slowlink":         nil,
	"internal/registry/signature/signaturetest":       {"internal/registry/registrytest"},

	"internal/chart/inplace":    {"internal/chart", "internal/chart/naming", "internal/yamllimit"},
	"internal/chart":            {"internal/chart/valuetree", "internal/files", "internal/heed", "internal/registry", "internal/registry/oci", "internal/yamllimit"},
	"internal/chart/pinning":    {"internal/chart", "internal/chart/naming", "internal/chart/valuetree"},
	"internal/chart/packed":     {"internal/chart", "internal/registry", "internal/registry/memory", "internal/registry/oci"},
	"internal/chart/repository": {"internal/chart", "internal/jsonlimit", "internal/registry", "internal/registry/remote/transport"},
	"internal/chart/standin":    {"internal/chart", "internal/registry"},
	"internal/chart/survey":     {"internal/chart", "internal/chart/naming", "internal/chart/valuetree"},
	"internal/chart/difference": {"internal/chart"},
	"internal/chart/naming":     {"internal/chart", "internal/chart/valuetree"},
	"internal/chart/rewrite":    {"internal/chart", "internal/chart/valuetree"},
	"internal/chart/valuetree":  nil,
	"internal/chart/charttest":  nil,

	"internal/install":                     {"internal/chart", "internal/chart/difference", "internal/install/cluster", "internal/install/cluster/definitions", "internal/install/cluster/pullsecret", "internal/install/cluster/readiness", "internal/install/helm", "internal/install/preparation", "internal/install/traits", "internal/install/verify"},
	"internal/install/preparation":         {"internal/chart", "internal/chart/naming", "internal/chart/pinning", "internal/chart/rewrite", "internal/chart/valuetree", "internal/registry", "internal/install/cluster", "internal/install/verify"},
	"internal/install/checkup":             {"internal/finding", "internal/install/cluster", "internal/install/cluster/pullsecret", "internal/registry/credentials"},
	"internal/install/traits":              {"internal/install/cluster"},
	"internal/install/inuse":               {"internal/install/cluster"},
	"internal/install/independence":        {"internal/install/cluster"},
	"internal/install/clustertest":         {"internal/chart", "internal/install/cluster"},
	"internal/browsertest":                 nil, // shows pages to a real browser, for tests
	"internal/install/cluster":             {"internal/chart", "internal/files", "internal/heed", "internal/jsonlimit", "internal/yamllimit"},
	"internal/install/cluster/definitions": {"internal/chart", "internal/chart/difference", "internal/install/cluster"},
	"internal/install/cluster/pullsecret":  {"internal/install/cluster", "internal/jsonlimit", "internal/registry/credentials"},
	"internal/install/cluster/readiness":   {"internal/install/cluster"},
	"internal/install/helm":                {"internal/chart", "internal/chart/naming", "internal/heed", "internal/install/cluster", "internal/install/cluster/readiness"},
	"internal/install/verify":              {"internal/chart", "internal/chart/naming", "internal/chart/rewrite", "internal/registry", "internal/registry/holdings", "internal/install/cluster", "internal/install/cluster/pullsecret", "internal/install/cluster/readiness", "internal/install/helm"},
	"internal/install/jobs":                {"internal/install/cluster", "internal/install/cluster/readiness", "internal/registry", "internal/registry/shard"},
}

// A package that is in no room has not been thought about: give it a line above.
func TestRooms(t *testing.T) {
	all := modulePackages(t)
	for _, p := range all {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		if !strings.HasPrefix(room, "internal/") {
			continue
		}
		may, known := rooms[room]
		if !known {
			t.Errorf("%s is in no room", room)
		}
		for _, imported := range p.Imports {
			other, ours := strings.CutPrefix(imported, module+"/")
			if !ours || slices.Contains(may, other) || layerOf(imported) == 0 && layerOf(p.ImportPath) > 0 {
				continue
			}
			t.Errorf("%s imports %s, which its room does not allow", room, other)
		}
	}
	for room := range rooms {
		if !slices.ContainsFunc(all, func(p pkg) bool { return p.ImportPath == module+"/"+room }) {
			t.Errorf("there is no package %s", room)
		}
	}
}

// commandRooms are rooms for what is below cmd/pgrelocate/internal, and "." for the program itself:
// which others of them each may import. All may import what is below internal.
var commandRooms = map[string][]string{
	".":                   {"app", "commands/about", "commands/airgap", "commands/anychart", "commands/incluster", "commands/mirror", "completion", "config", "exit", "terminal", "usage", "view"},
	"advice":              {"config", "exit", "output", "relocate", "relocate/copying", "relocate/exporting", "relocate/installing", "relocate/inventory", "relocate/locking", "relocate/pruning", "relocate/pulling", "relocate/rendering"},
	"app":                 {"advice", "config", "exit", "output", "progress", "relocate", "relocate/copying", "relocate/inventory", "report", "terminal", "view", "view/copies"},
	"commands/about":      {"app", "commands/incluster", "commands/mirror", "config", "demo", "exit", "flagset", "relocate/copying", "relocate/ownimage", "relocate/reaching", "usage", "view", "view/copies"},
	"commands/airgap":     {"app", "commands/mirror", "config", "exit", "flagset", "output", "relocate", "relocate/inventory", "relocate/loading", "relocate/ownimage", "relocate/saving", "usage", "view/copies"},
	"commands/anychart":   {"app", "config", "exit", "flagset", "relocate/charts", "relocate/copying", "usage", "view/copies", "view/images"},
	"commands/incluster":  {"advice", "app", "config", "exit", "flagset", "output", "relocate", "relocate/exporting", "relocate/installing", "relocate/jobs", "relocate/previewing", "relocate/pulling", "relocate/reaching", "relocate/rendering", "usage", "view/clusters", "view/overviews"},
	"commands/mirror":     {"app", "completion", "config", "doctor", "exit", "flagset", "output", "page", "relocate", "relocate/comparing", "relocate/copying", "relocate/discovery", "relocate/exporting", "relocate/inventory", "relocate/loading", "relocate/picturing", "relocate/pruning", "usage", "view/clusters", "view/copies", "view/overviews"},
	"completion":          {"app", "config", "flagset"},
	"config":              {"exit", "output"},
	"demo":                {"config", "exit", "output", "relocate", "relocate/copying", "relocate/reaching"},
	"doctor":              {"advice", "relocate", "relocate/reaching"},
	"exit":                {"output"},
	"flagset":             {"app", "config", "exit", "output", "relocate", "relocate/pulling", "relocate/reaching", "relocate/rendering", "usage"},
	"output":              {"terminal"},
	"page":                {"output", "terminal", "view/overviews"},
	"progress":            {"output", "terminal"},
	"relocate":            {"config", "exit", "output"},
	"relocate/admitting":  {"config", "exit"},
	"relocate/charts":     {"exit", "relocate", "relocate/copying", "relocate/inventory"},
	"relocate/comparing":  {"exit", "relocate", "relocate/reaching"},
	"relocate/copying":    {"config", "exit", "output", "relocate", "relocate/admitting", "relocate/discovery", "relocate/locking"},
	"relocate/discovery":  {"exit", "relocate"},
	"relocate/exporting":  {"exit", "relocate", "relocate/pulling", "relocate/reaching", "relocate/rendering"},
	"relocate/installing": {"exit", "relocate", "relocate/discovery", "relocate/inventory", "relocate/pulling", "relocate/reaching", "relocate/rendering"},
	"relocate/inventory":  {"exit", "output", "relocate", "relocate/discovery"},
	"relocate/jobs":       {"config", "exit", "output", "relocate", "relocate/locking", "relocate/reaching"},
	"relocate/loading":    {"exit", "output", "relocate", "relocate/copying"},
	"relocate/locking":    {"config", "exit", "relocate"},
	"relocate/ownimage":   {"exit", "relocate", "relocate/copying"},
	"relocate/picturing":  {"config", "exit", "relocate", "relocate/discovery", "relocate/locking", "relocate/reaching", "report"},
	"relocate/previewing": {"relocate", "relocate/copying", "relocate/discovery", "relocate/reaching"},
	"relocate/pruning":    {"config", "exit", "output", "relocate", "relocate/locking", "relocate/reaching"},
	"relocate/pulling":    {"config", "exit", "relocate", "relocate/reaching"},
	"relocate/reaching":   {"exit", "relocate"},
	"relocate/rendering":  {"exit", "relocate", "relocate/discovery", "relocate/reaching"},
	"relocate/saving":     {"exit", "output", "relocate", "relocate/admitting", "relocate/discovery", "relocate/ownimage"},
	"report":              {"exit", "output", "terminal"},
	"terminal":            nil,
	"usage":               {"app", "config", "exit", "output"},
	"view":                {"advice", "config", "exit", "output", "report", "terminal"},
	"view/clusters":       {"doctor", "output", "relocate/installing", "relocate/previewing", "report", "view"},
	"view/copies":         {"advice", "exit", "output", "relocate", "relocate/copying", "relocate/ownimage", "relocate/saving", "report", "view"},
	"view/images":         {"output", "relocate/charts"},
	"view/overviews":      {"output", "relocate/comparing", "relocate/discovery", "relocate/inventory", "relocate/picturing", "report", "view"},
}

// Use cases know no commands, views no flags: what is in cmd/pgrelocate has rooms too.
func TestCommandRooms(t *testing.T) {
	const below = module + "/cmd/pgrelocate/internal/"
	seen := map[string]bool{}
	for _, p := range modulePackages(t) {
		room, isRoom := strings.CutPrefix(p.ImportPath, below)
		if p.ImportPath == module+"/cmd/pgrelocate" {
			room, isRoom = ".", true
		}
		if !isRoom {
			continue
		}
		seen[room] = true
		may, known := commandRooms[room]
		if !known {
			t.Errorf("%s is in no room", room)
		}
		for _, imported := range p.Imports {
			if other, ours := strings.CutPrefix(imported, below); ours && !slices.Contains(may, other) {
				t.Errorf("%s imports %s, which its room does not allow", room, other)
			}
		}
	}
	for room := range commandRooms {
		if !seen[room] {
			t.Errorf("there is no package %s", room)
		}
	}
}

// What moves content needs neither Helm nor Kubernetes, which are most of the binary.
func TestHelmAndKubernetesStayAbove(t *testing.T) {
	heavy := []string{"helm.sh/", "k8s.io/", "sigs.k8s.io/"}
	for _, p := range modulePackages(t) {
		if l := layerOf(p.ImportPath); l < 0 || l > slices.Index(layers, "internal/registry") {
			continue
		}
		for _, dep := range p.Deps {
			if hasAnyPrefix(dep, heavy) && !hasAnyPrefix(dep, []string{"k8s.io/klog/"}) { // a logger: sigstore's libraries bring it along
				t.Errorf("%s depends on %s", p.ImportPath, dep)
			}
		}
	}
}

// Helm 3 ends one day: what is to change then stands in two rooms.
func TestHelmHasTwoDoors(t *testing.T) {
	doors := []string{"internal/chart", "internal/chart/standin", "internal/install/helm"}
	for _, p := range modulePackages(t) {
		room := strings.TrimPrefix(p.ImportPath, module+"/")
		if slices.Contains(doors, room) || strings.HasPrefix(room, "tests/") {
			continue
		}
		for _, imported := range p.Imports {
			if strings.HasPrefix(imported, "helm.sh/") {
				t.Errorf("%s imports %s, which only %s may", room, imported, strings.Join(doors, ", "))
			}
		}
	}
}

// The matrix is pure: no network, no clock. It may read a catalogue that a user brings.
func TestVersionsIsPure(t *testing.T) {
	impure := []string{"context", "math/rand", "net", "net/http", "os/exec", "time"}
	for _, p := range modulePackages(t) {
		if layerOf(p.ImportPath) != 0 {
			continue
		}
		for _, imported := range p.Imports {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// Flags, settings and progress bars belong to the command line; libraries do not print.
func TestTheCommandLineStaysInCmd(t *testing.T) {
	terminal := []string{"github.com/spf13/cobra", "github.com/spf13/viper", "github.com/schollz/progressbar"}
	for _, p := range modulePackages(t) {
		if strings.HasPrefix(p.ImportPath, module+"/cmd/") {
			continue
		}
		for _, imported := range p.Imports {
			if hasAnyPrefix(imported, terminal) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// Nothing is done behind the back of the compiler, the scheduler or the race detector: ADR 0012.
func TestNothingIsUnsafe(t *testing.T) {
	for _, p := range modulePackages(t) {
		if slices.Contains(p.Imports, "unsafe") {
			t.Errorf("%s imports unsafe", p.ImportPath)
		}
	}
}

func TestTestSupportStaysInTests(t *testing.T) {
	for _, p := range modulePackages(t) {
		if strings.HasPrefix(p.ImportPath, module+"/tests/") || slices.Contains(testSupport, p.ImportPath) {
			continue
		}
		for _, support := range testSupport {
			if slices.Contains(p.Imports, support) {
				t.Errorf("%s imports %s", p.ImportPath, support)
			}
		}
	}
}

// modulePackages lists the packages of this module, their tests aside.
func modulePackages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,Deps", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	var all []pkg
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading what go list says: %v", err)
		}
		all = append(all, p)
	}
	for _, layer := range []string{"internal/versions", "internal/registry", "cmd/pgrelocate"} {
		if !slices.ContainsFunc(all, func(p pkg) bool { return p.ImportPath == module+"/"+layer }) {
			t.Fatalf("go list %s/... does not list %s", module, layer)
		}
	}
	return all
}

// layerOf is the place of a package in the flow; -1 for those of other modules.
func layerOf(path string) int {
	return slices.IndexFunc(layers, func(layer string) bool {
		layer = module + "/" + layer
		return path == layer || strings.HasPrefix(path, layer+"/")
	})
}

func hasAnyPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(s, prefix) })
}
