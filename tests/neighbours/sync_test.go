package neighbours

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// tool finds a tool that make has built, or the system's.
func tool(t *testing.T, name string) string {
	t.Helper()
	if built, err := filepath.Abs("../../.cache/bin/" + name); err == nil {
		if _, err := os.Stat(built); err == nil {
			return built
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is not there: make test-neighbours brings it", name)
	}
	return path
}

// run runs a tool, which has to do well.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tool(t, name), args...)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %v\n%s%s", cmd, err, out.Bytes(), said.Bytes())
	}
	return out.String()
}

// start starts a registry of distribution's, and returns its host.
func start(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host := listener.Addr().String()
	listener.Close()
	file := filepath.Join(t.TempDir(), "config.yml")
	config := fmt.Sprintf("version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q, secret: x}\n", t.TempDir(), host)
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(tool(t, "registry"), "serve", file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 100 {
		if conn, err := net.Dial("tcp", host); err == nil {
			conn.Close()
			return host
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("the registry does not answer")
	return ""
}

// fill puts into the vendor's registry what is selected, and returns its digests by repository and tag.
func fill(t *testing.T, host string) map[string]string {
	t.Helper()
	wanted := map[string]string{}
	layer := filepath.Join(t.TempDir(), "layer.tar")
	for _, image := range []string{"postgres-operator:v4.3.1", "postgres-instance:v17.5-v4.3.1", "vmware-sql-postgres-operator:v4.3.1"} {
		if err := os.WriteFile(layer, []byte(image), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, "crane", "append", "--insecure", "-f", layer, "-t", host+"/"+image)
		wanted[image] = strings.TrimSpace(run(t, "crane", "digest", "--insecure", host+"/"+image))
	}
	return wanted
}

func check(t *testing.T, folder string, wanted map[string]string) {
	t.Helper()
	for _, image := range slices.Sorted(maps.Keys(wanted)) {
		if got := strings.TrimSpace(run(t, "crane", "digest", "--insecure", folder+"/"+image)); got != wanted[image] {
			t.Errorf("%s/%s is %s, want %s", folder, image, got, wanted[image])
		}
	}
}

// choose are the flags of the selection in all of these tests.
func choose(vendor, private string) []string {
	return []string{"--source", vendor, "--registry", private, "--versions", "17.5", "--editions", "full", "--extras", "none"}
}

// skopeo reads what is written, and puts all of it where the file says that it would.
func TestSkopeo(t *testing.T) {
	vendor, private := start(t), start(t)
	wanted := fill(t, vendor)
	text := export(t, append([]string{"skopeo"}, choose(vendor, private+"/mirror")...)...)
	file := filepath.Join(t.TempDir(), "skopeo.yml")
	// For plain HTTP, which the test's registries speak, the flag is not enough.
	text = bytes.ReplaceAll(text, []byte("  images:"), []byte("  tls-verify: false\n  images:"))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	args := strings.Fields(strings.Replace(strings.TrimPrefix(first, "# skopeo "), "FILE", file, 1))
	run(t, "skopeo", append(args, "--src-tls-verify=false", "--dest-tls-verify=false")...)
	check(t, private+"/mirror", wanted)
}

// regsync reads what is written, and puts all of it where pgrelocate would.
func TestRegsync(t *testing.T) {
	vendor, private := start(t), start(t)
	wanted := fill(t, vendor)
	text := export(t, append([]string{"regsync"}, choose(vendor, private+"/mirror")...)...)
	text = append(text, fmt.Sprintf("creds:\n- {registry: %q, tls: disabled}\n- {registry: %q, tls: disabled}\n", vendor, private)...)
	file := filepath.Join(t.TempDir(), "regsync.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "regsync", "once", "-c", file)
	check(t, private+"/mirror", wanted)
}
