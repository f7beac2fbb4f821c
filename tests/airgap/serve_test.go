package airgap_test

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// serve runs "pgrelocate serve" until the test ends, and returns its address.
func (d desk) serve(t *testing.T, args ...string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	cmd := d.program(t, append([]string{"serve", "--listen", address}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("pgrelocate serve: %v\n%s", err, out.String())
		}
	})
	awaitListener(t, "tcp", address)
	return address
}

// awaitListener waits until somebody listens.
func awaitListener(t *testing.T, network, address string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		conn, err := net.Dial(network, address)
		if err == nil {
			conn.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("nobody listens at %s after %v: %v", address, patience, err)
		}
	}
}

// Each tool pulls from a bundle, as from any registry.
func TestToolsPullFromABundle(t *testing.T) {
	t.Parallel()
	d, source := saved(t)
	d.run(t, "sh", "-c", "mkdir mirror && tar -xf pg.tar -C mirror")
	for _, file := range []string{"pg.tar", "mirror"} {
		host := d.serve(t, "-f", file)
		out := newDesk(t)
		for _, name := range names(t, source) {
			want := source.Digest(t, name).String()
			at := host + "/tanzu-sql-postgres/" + name
			out.run(t, registrytest.Binary(t, "skopeo"), "copy", "--insecure-policy", "--all", "--src-tls-verify=false", "docker://"+at, "oci:skopeo:"+strings.ReplaceAll(name, ":", "-"))
			out.run(t, registrytest.Binary(t, "crane"), "validate", "--insecure", "--remote", at)
			if got := strings.TrimSpace(out.run(t, registrytest.Binary(t, "crane"), "digest", "--insecure", at)); got != want {
				t.Errorf("crane digest %s = %s, want %s", at, got, want)
			}
		}
	}
}

// oras pulls too, and finds what refers to an image.
func TestOrasPullsFromABundle(t *testing.T) {
	t.Parallel()
	oras := optional(t, "oras")
	d, source := saved(t)
	at := d.serve(t, "-f", "pg.tar") + "/tanzu-sql-postgres/"
	for _, name := range names(t, source) {
		d.run(t, oras, "cp", "--from-plain-http", "--to-oci-layout", at+name, "oras:"+strings.ReplaceAll(name, ":", "-"))
	}
	discovered := d.run(t, oras, "discover", "--plain-http", "--format", "json", at+"postgres-operator:v4.3.1")
	if !strings.Contains(discovered, "application/spdx+json") {
		t.Errorf("oras discover finds no SBOM:\n%s", discovered)
	}
}

// Helm's part: the chart that is served is the chart.
func TestTheChartIsPulledFromABundle(t *testing.T) {
	t.Parallel()
	d, _ := saved(t)
	client, err := remote.New(d.serve(t, "-f", "pg.tar"), remote.Options{CertsDirs: []string{t.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	c, err := chart.Fetch(t.Context(), client, "tanzu-sql-postgres/vmware-sql-postgres-operator", "v4.3.1")
	if err != nil || c == nil {
		t.Errorf("Fetch() = %v, %v", c, err)
	}
}

// containerd pulls under the vendor's names, with the bundle as their mirror.
func TestContainerdPullsFromABundle(t *testing.T) {
	t.Parallel()
	containerd, ctr := optional(t, "containerd"), optional(t, "ctr")
	if os.Geteuid() != 0 {
		t.Skip("containerd wants root")
	}
	d, source := saved(t)
	host := d.serve(t, "-f", "pg.tar")
	socket := startContainerd(t, d, containerd)
	hosts := d.path("hosts")
	const vendorHost = "registry.vendor.example.com"
	folder := filepath.Join(hosts, vendorHost)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	toml := "[host.\"http://" + host + "\"]\n  capabilities = [\"pull\", \"resolve\"]\n"
	if err := os.WriteFile(filepath.Join(folder, "hosts.toml"), []byte(toml), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, image := range map[string]string{
		host + "/tanzu-sql-postgres/postgres-instance:v17.5-v4.3.1": "postgres-instance:v17.5-v4.3.1",
		vendorHost + "/postgres-instance:v17.5-lite-v4.3.1":         "postgres-instance:v17.5-lite-v4.3.1",
	} {
		d.run(t, ctr, "-a", socket, "content", "fetch", "--plain-http", "--hosts-dir", hosts, name)
		if out := d.run(t, ctr, "-a", socket, "content", "ls", "-q"); !strings.Contains(out, source.Digest(t, image).String()) {
			t.Errorf("containerd does not have %s:\n%s", name, out)
		}
	}
	// It also takes the file itself.
	d.run(t, ctr, "-a", socket, "images", "import", "--no-unpack", "--all-platforms", "pg.tar")
	if out := d.run(t, ctr, "-a", socket, "images", "ls", "-q"); !strings.Contains(out, source.Host+"/postgres-operator:v4.3.1") {
		t.Errorf("ctr images import lost a name:\n%s", out)
	}
}

// startContainerd runs containerd without its CRI part until the test ends.
func startContainerd(t *testing.T, d desk, containerd string) (socket string) {
	t.Helper()
	socket = d.path("c.sock")
	config := "version = 2\nroot = \"" + d.path("root") + "\"\nstate = \"" + d.path("state") + "\"\n" +
		"disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\n  address = \"" + socket + "\"\n"
	if err := os.WriteFile(d.path("containerd.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := d.command(t, containerd, "-c", "containerd.toml")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	awaitListener(t, "unix", socket)
	return socket
}
