package airgap_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// optional finds a tool that not every machine can have; the test is skipped without it.
func optional(t *testing.T, tool string) string {
	t.Helper()
	if file, err := exec.LookPath(filepath.Join(registrytest.ModuleRoot(t), ".cache", "bin", tool)); err == nil {
		return file
	}
	file, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is absent", tool)
	}
	return file
}

// saved is a vendor's registry, and a bundle of it on a desk.
func saved(t *testing.T, args ...string) (desk, *registrytest.Registry) {
	t.Helper()
	source := vendor(t, registrytest.Debian)
	d := newDesk(t)
	d.pgrelocate(t, append([]string{"save", "--source", source.Host, "-f", "pg.tar", "--versions", "17.5"}, args...)...)
	return d, source
}

// names are some of what is in the bundle: an index, an image, a chart, a signature.
func names(t *testing.T, source *registrytest.Registry) []string {
	return []string{
		"postgres-operator:v4.3.1",
		"postgres-instance:v17.5-v4.3.1",
		"vmware-sql-postgres-operator:v4.3.1",
		"postgres-operator:sha256-" + source.Digest(t, "postgres-operator:v4.3.1").Hex + ".sig",
	}
}

func TestSkopeoReadsOurs(t *testing.T) {
	t.Parallel()
	skopeo := registrytest.Binary(t, "skopeo")
	d, source := saved(t)
	target := registrytest.Debian(t, registrytest.Options{})
	// Of an index skopeo 1.9 makes another one wherever it comes from, so it is only read.
	index := "postgres-operator:v4.3.1"
	raw := d.run(t, skopeo, "inspect", "--raw", "oci-archive:pg.tar:"+source.Host+"/"+index)
	if digest, _, err := v1.SHA256(strings.NewReader(raw)); err != nil || digest != source.Digest(t, index) {
		t.Errorf("skopeo reads %s as %s, %v, want %s", index, digest, err, source.Digest(t, index))
	}
	for _, name := range names(t, source)[1:] {
		d.run(t, skopeo, "copy", "--insecure-policy", "--preserve-digests", "--dest-tls-verify=false",
			"oci-archive:pg.tar:"+source.Host+"/"+name, "docker://"+target.Host+"/"+name)
		if got, want := digestAt(t, target, name), source.Digest(t, name).String(); got != want {
			t.Errorf("skopeo brought %s as %s, want %s", name, got, want)
		}
	}
}

func TestCraneReadsOurs(t *testing.T) {
	t.Parallel()
	crane := registrytest.Binary(t, "crane")
	d, source := saved(t)
	target := registrytest.Debian(t, registrytest.Options{})
	// crane reads layouts as directories, and pushes all that is in one as an index.
	d.run(t, "sh", "-c", "mkdir layout && tar -xf pg.tar -C layout")
	d.run(t, crane, "push", "--insecure", "--index", "layout", target.Host+"/all:v1")
	for _, name := range names(t, source) {
		digest := source.Digest(t, name).String()
		d.run(t, crane, "validate", "--insecure", "--fast", "--remote", target.Host+"/all@"+digest)
	}
	if out := d.run(t, crane, "manifest", "--insecure", target.Host+"/all:v1"); !strings.Contains(out, source.Host+"/postgres-instance:v17.5-v4.3.1") {
		t.Errorf("crane lost the names:\n%s", out)
	}
}

func TestOrasReadsOurs(t *testing.T) {
	t.Parallel()
	oras := optional(t, "oras")
	d, source := saved(t)
	target := registrytest.Debian(t, registrytest.Options{})
	for i, name := range names(t, source) {
		to := target.Host + "/oras:v" + string(rune('0'+i))
		d.run(t, oras, "cp", "--from-oci-layout-path", "pg.tar", "--to-plain-http", source.Host+"/"+name, to)
		if got, want := digestAt(t, target, strings.TrimPrefix(to, target.Host+"/")), source.Digest(t, name).String(); got != want {
			t.Errorf("oras brought %s as %s, want %s", name, got, want)
		}
	}
}

func TestPodmanLoadsOurs(t *testing.T) {
	t.Parallel()
	podman := optional(t, "podman")
	if os.Geteuid() != 0 {
		t.Skip("podman wants root here")
	}
	d, source := saved(t)
	store := []string{"--root", d.path("store"), "--runroot", d.path("run"), "--storage-driver", "vfs"}
	loaded := d.run(t, podman, append(store, "load", "-i", "pg.tar")...)
	for _, name := range []string{"postgres-instance:v17.5-v4.3.1", "postgres-instance:v17.5-lite-v4.3.1", "ferretdb:v2.3.1"} {
		if !strings.Contains(loaded, source.Host+"/"+name) {
			t.Errorf("podman load did not load %s:\n%s", name, loaded)
		}
	}
	// An index is more than "podman load" knows of: it is pulled by its name.
	d.run(t, podman, append(store, "pull", "oci-archive:pg.tar:"+source.Host+"/postgres-operator:v4.3.1")...)
}

// tool is a way in which another tool puts an image into a file.
type tool struct {
	name string
	tool string
	// args have %s for the reference.
	args []string
	file string
	// nameless files do not tell the reference.
	nameless bool
	// keeps says that the digest stays what it was.
	keeps bool
}

var theirs = []tool{
	{name: "skopeo, OCI archive", tool: "skopeo", file: "x.tar", keeps: true,
		args: []string{"copy", "--insecure-policy", "--src-tls-verify=false", "docker://%s", "oci-archive:x.tar:%s"}},
	{name: "skopeo, OCI archive without a name", tool: "skopeo", file: "x.tar", keeps: true, nameless: true,
		args: []string{"copy", "--insecure-policy", "--src-tls-verify=false", "docker://%s", "oci-archive:x.tar"}},
	{name: "skopeo, OCI folder", tool: "skopeo", file: "x", keeps: true,
		args: []string{"copy", "--insecure-policy", "--src-tls-verify=false", "docker://%s", "oci:x:%s"}},
	{name: "skopeo, docker archive", tool: "skopeo", file: "x.tar",
		args: []string{"copy", "--insecure-policy", "--src-tls-verify=false", "docker://%s", "docker-archive:x.tar:%s"}},
	{name: "crane, OCI folder", tool: "crane", file: "x", keeps: true,
		args: []string{"pull", "--insecure", "--format", "oci", "--annotate-ref", "%s", "x"}},
	{name: "crane, OCI folder without a name", tool: "crane", file: "x", keeps: true, nameless: true,
		args: []string{"pull", "--insecure", "--format", "oci", "%s", "x"}},
	{name: "crane, tarball", tool: "crane", file: "x.tar", args: []string{"pull", "--insecure", "%s", "x.tar"}},
	{name: "crane, legacy tarball", tool: "crane", file: "x.tar", args: []string{"pull", "--insecure", "--format", "legacy", "%s", "x.tar"}},
	{name: "oras, OCI folder", tool: "oras", file: "x", keeps: true, nameless: true,
		args: []string{"cp", "--from-plain-http", "--to-oci-layout", "%s", "x:v17.5-v4.3.1"}},
	{name: "oras, backup", tool: "oras", file: "x.tar", keeps: true, nameless: true,
		args: []string{"backup", "--plain-http", "--output", "x.tar", "%s"}},
}

// find finds the tool; oras is not among those that the tests install.
func (x tool) find(t *testing.T) string {
	t.Helper()
	if x.tool == "oras" {
		return optional(t, x.tool)
	}
	return registrytest.Binary(t, x.tool)
}

func TestWeLoadTheirs(t *testing.T) {
	t.Parallel()
	source := vendor(t, registrytest.Debian)
	const name = "postgres-instance:v17.5-v4.3.1"
	for _, tt := range theirs {
		t.Run(tt.name, func(t *testing.T) {
			tool := tt.find(t)
			target := registrytest.InProcess(t, registrytest.Options{})
			d := newDesk(t)
			var args []string
			for _, arg := range tt.args {
				args = append(args, strings.ReplaceAll(arg, "%s", source.Host+"/"+name))
			}
			d.run(t, tool, args...)
			load := []string{"load", "-f", tt.file, "--registry", target.Host, "--any-target"}
			if tt.nameless {
				if code, out := d.try(t, load...); code != 5 || !strings.Contains(out, "--name") {
					t.Errorf("loading without a name = exit code %d, want 5 and a hint:\n%s", code, out)
				}
				load = append(load, "--name", source.Host+"/"+name)
			}
			d.pgrelocate(t, load...)
			got := target.Contents(t) // pulls every byte
			if len(got) != 1 || got[name] == "" {
				t.Fatalf("the registry holds %v, want %s", got, name)
			}
			if want := source.Digest(t, name).String(); tt.keeps && got[name] != want {
				t.Errorf("%s arrived as %s, want %s", name, got[name], want)
			}
		})
	}
}

// A bundle that was unpacked, and packed again by another tar, is the same bundle.
func TestRepackedBundles(t *testing.T) {
	t.Parallel()
	d, source := saved(t)
	target := registrytest.InProcess(t, registrytest.Options{})
	d.run(t, "sh", "-c", "mkdir u && tar -xf pg.tar -C u && tar -cf again.tar -C u . && tar -czf again.tgz -C u .")
	for _, file := range []string{"u", "again.tar", "again.tgz"} {
		d.pgrelocate(t, "load", "-f", file, "--registry", target.Host+"/"+strings.ReplaceAll(file, ".", "-"))
	}
	contents := plain(target.Contents(t))
	for _, folder := range []string{"u", "again-tar", "again-tgz"} {
		got := make(map[string]string)
		for name, digest := range contents {
			if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
				got[rest] = digest
			}
		}
		want := make(map[string]string)
		for name := range got {
			want[name] = source.Digest(t, name).String()
		}
		if diff := cmp.Diff(want, got); diff != "" || len(got) != 6 {
			t.Errorf("%s: %d tags, want 6:\n%s", folder, len(got), diff)
		}
	}
}

// A download as the vendor makes it: docker archives of images, and the chart.
func TestTheVendorsDownload(t *testing.T) {
	t.Parallel()
	skopeo := registrytest.Binary(t, "skopeo")
	source, target := vendor(t, registrytest.Debian), registrytest.Distribution(t, registrytest.Options{})
	d := newDesk(t)
	images := d.path("postgres-for-kubernetes-v4.3.1/images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		t.Fatal(err)
	}
	// The names are the vendor's, wherever the images come from.
	const host = "tanzu-sql-postgres.packages.broadcom.com"
	for file, name := range map[string]string{
		"postgres-operator": "postgres-operator:v4.3.1", "postgres-instance": "postgres-instance:v17.5-v4.3.1",
	} {
		d.run(t, skopeo, "copy", "--insecure-policy", "--src-tls-verify=false", "--override-os=linux", "--override-arch=amd64",
			"docker://"+source.Host+"/"+name, "docker-archive:"+filepath.Join(images, file+".tar")+":"+host+"/"+name)
	}
	chart := d.path("postgres-for-kubernetes-v4.3.1/operator")
	if err := os.MkdirAll(chart, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(chart, "Chart.yaml"), []byte("apiVersion: v2\nname: vmware-sql-postgres-operator\nversion: v4.3.1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(t, "tar", "-czf", "postgres-for-kubernetes-v4.3.1.tar.gz", "postgres-for-kubernetes-v4.3.1")
	for round, want := range []string{"3 copied", "3 present"} {
		file := []string{"postgres-for-kubernetes-v4.3.1.tar.gz", "postgres-for-kubernetes-v4.3.1"}[round]
		if out := d.pgrelocate(t, "load", "-f", file, "--registry", target.Host); !strings.Contains(out, want) {
			t.Errorf("load -f %s did not say %q:\n%s", file, want, out)
		}
	}
	var got []string
	for name := range target.Contents(t) {
		got = append(got, name)
	}
	if len(got) != 3 {
		t.Errorf("the registry holds %v, want three tags", got)
	}
	out := d.pgrelocate(t, "versions", "--registry", target.Host, "--versions", "17.5", "--editions", "full", "--extras", "none")
	if strings.Contains(out, " no\n") {
		t.Errorf("not all is mirrored:\n%s", out)
	}
}

// minisign checks our signatures, and its keys sign our bundles.
func TestMinisign(t *testing.T) {
	t.Parallel()
	minisign := optional(t, "minisign")
	d := newDesk(t)
	d.pgrelocate(t, "bundle", "keygen", "ours")
	d.run(t, minisign, "-G", "-W", "-p", "theirs.pub", "-s", "theirs.key")
	source := vendor(t, registrytest.Debian)
	for _, key := range []string{"ours", "theirs"} {
		file := key + ".tar"
		d.pgrelocate(t, "save", "--source", source.Host, "-f", file, "--versions", "17.5", "--sign-key", key+".key")
		d.run(t, "tar", "-xf", file, "pgrelocate.lock.json", "pgrelocate.lock.json.minisig")
		d.run(t, minisign, "-V", "-p", key+".pub", "-m", "pgrelocate.lock.json")
		d.pgrelocate(t, "bundle", "verify", file, "--public-key", key+".pub")
	}
	if code, out := d.try(t, "bundle", "verify", "ours.tar", "--public-key", "theirs.pub"); code != 5 {
		t.Errorf("another key = exit code %d, want 5:\n%s", code, out)
	}
}
