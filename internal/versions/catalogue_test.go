package versions

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// other is the built-in catalogue with the products of testdata beside it.
func other(t *testing.T) *Catalogue {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(testdata/*.yaml) = %v, %v, want files", files, err)
	}
	c, err := Load(files...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestBuiltinReleases(t *testing.T) {
	p, err := Builtin().Product("")
	if err != nil {
		t.Fatal(err)
	}
	if p.Newest().Name != "v4.3.1" {
		t.Errorf("Newest() = %s, want v4.3.1", p.Newest().Name)
	}
	if p.Notice == "" || p.Title == "" {
		t.Errorf("Product = %+v, want a title and a notice about the licence", p)
	}
	tests := []struct {
		release  string
		versions string
		editions []Edition
		source   string // of the newest instance
		chart    string
		names    string // of the newest version's instances
	}{
		{
			release:  "v4.3.1",
			versions: "17.5 17.4 16.9 16.8 15.13 15.12 14.18 14.17 13.21 13.20",
			editions: []Edition{Full, Lite},
			source:   "tanzu-sql-postgres.packages.broadcom.com/postgres-instance:v17.5-v4.3.1",
			chart:    "tanzu-sql-postgres.packages.broadcom.com/vmware-sql-postgres-operator:v4.3.1",
			names:    "postgres-17.5 postgres-17.5-lite",
		},
		{
			release:  "v4.0.0",
			versions: "16.6 15.10 14.15 13.18 12.22 11.22",
			source:   "tanzu-sql-postgres.packages.broadcom.com/postgres-instance:v4.0.0",
			chart:    "tanzu-sql-postgres.packages.broadcom.com/vmware-sql-postgres-operator:v4.0.0",
			names:    "postgres-16",
		},
		{
			release:  "v2.0.1",
			versions: "15.2 14.7 13.10 12.14 11.19",
			source:   "registry.tanzu.vmware.com/tanzu-sql-postgres/postgres-instance:v2.0.1",
			names:    "postgres-15",
		},
		{
			release:  "v1.5.0",
			versions: "14.1 13.5 12.9 11.14",
			source:   "registry.tanzu.vmware.com/tanzu-sql-postgres/postgres-instance:v1.5.0",
			names:    "postgres-14",
		},
	}
	if len(p.Releases) != len(tests) {
		t.Errorf("%d releases are built in, want the %d that are complete", len(p.Releases), len(tests))
	}
	for i, tt := range tests {
		r := p.Releases[i]
		if r.Name != tt.release {
			t.Errorf("Releases[%d] = %s, want %s", i, r.Name, tt.release)
			continue
		}
		if got := strings.Join(texts(r.Versions()), " "); got != tt.versions {
			t.Errorf("%s Versions() = %s, want %s", r.Name, got, tt.versions)
		}
		if diff := cmp.Diff(tt.editions, r.Editions()); diff != "" {
			t.Errorf("%s Editions() differ (-want +got):\n%s", r.Name, diff)
		}
		if got := r.Instances()[0].Vendor().String(); got != tt.source {
			t.Errorf("%s Instances()[0].Vendor() = %s, want %s", r.Name, got, tt.source)
		}
		if got := chartOf(r); got != tt.chart {
			t.Errorf("%s Chart = %q, want %q", r.Name, got, tt.chart)
		}
		if (r.Chart() == nil) != (r.Note != "") {
			t.Errorf("%s Note = %q, want one exactly where the chart is left out", r.Name, r.Note)
		}
		var names []string
		for _, instance := range r.Instances() {
			if instance.Version == r.Instances()[0].Version {
				names = append(names, instance.Called)
			}
		}
		if got := strings.Join(names, " "); got != tt.names {
			t.Errorf("%s names %s, want %s", r.Name, got, tt.names)
		}
	}
}

func chartOf(r *Release) string {
	if r.Chart() == nil {
		return ""
	}
	return r.Chart().Vendor().String()
}

func TestBuiltinValues(t *testing.T) {
	want := map[string][]Value{
		"v4.3.1": {
			{At: "operatorImage", Tree: "{operator.ref}"},
			{At: "instanceRegistryRepo", Tree: "{instance.repository}"},
			{At: "ferretDBImageRepo", Tree: "{ferretdb.repository}"},
			{At: "dockerRegistrySecretName", Tree: "{pullSecret}"},
		},
		"v4.0.0": {
			{At: "operatorImage", Tree: "{operator.ref}"},
			{At: "postgresImage", Tree: "{instance.ref}"},
			{At: "dockerRegistrySecretName", Tree: "{pullSecret}"},
		},
	}
	p, _ := Builtin().Product("tanzu")
	for name, values := range want {
		r, err := p.Release(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(values, r.Values()); diff != "" {
			t.Errorf("%s Values differ (-want +got):\n%s", name, diff)
		}
	}
}

func TestRelease(t *testing.T) {
	p, _ := Builtin().Product("tanzu")
	tests := []struct{ in, want, bad string }{
		{in: "", want: "v4.3.1"},
		{in: "latest", want: "v4.3.1"},
		{in: "v4.0.0", want: "v4.0.0"},
		{in: "4.0.0", want: "v4.0.0"},
		{in: "v4.3.2", bad: "v4.3.2 is not a known release of tanzu; it has v4.3.1, v4.0.0, v2.0.1, v1.5.0"},
	}
	for _, tt := range tests {
		r, err := p.Release(tt.in)
		if message(err) != tt.bad || (err == nil && r.Name != tt.want) {
			t.Errorf("Release(%q) = %v, %q, want %s, %q", tt.in, r, message(err), tt.want, tt.bad)
		}
	}
	if _, err := Builtin().Product("tanzoo"); !strings.HasPrefix(message(err), "tanzoo is not a product of the catalogue; did you mean tanzu? it has ") {
		t.Errorf("Product(tanzoo) = %v, want tanzu suggested", err)
	}
}

func TestReleasesSortSemantically(t *testing.T) {
	c, err := Builtin().Merge("mine.yaml", []byte(`
product: tanzu
releases:
  v4.10.0: {shape: one-image, versions: [18.1]}
  v4.9.0-rc.1: {shape: one-image, versions: [18.1]}
`))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := c.Product("tanzu")
	var names []string
	for _, r := range p.Releases {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "v4.10.0 v4.9.0-rc.1 v4.3.1 v4.0.0 v2.0.1 v1.5.0" {
		t.Errorf("Releases = %s, want the newest first", got)
	}
	if p, _ := Builtin().Product("tanzu"); len(p.Releases) != 4 {
		t.Errorf("Merge changed its receiver: it has %d releases, want 4", len(p.Releases))
	}
}

// The schema holds products of other shapes by data alone.
func TestOtherProducts(t *testing.T) {
	tests := []struct {
		product string
		want    []string
	}{
		{"old-cnpg", []string{
			"ghcr.io/cloudnative-pg/charts/cloudnative-pg:0.26.1 > registry.example.com/cloudnative-pg/charts/cloudnative-pg:0.26.1",
			"ghcr.io/cloudnative-pg/cloudnative-pg:1.27.1 > registry.example.com/cloudnative-pg/cloudnative-pg:1.27.1",
			"ghcr.io/cloudnative-pg/postgresql:17.6-minimal-bookworm > registry.example.com/cloudnative-pg/postgresql:17.6-minimal-bookworm",
			"ghcr.io/cloudnative-pg/postgresql:17.6-standard-bookworm > registry.example.com/cloudnative-pg/postgresql:17.6-standard-bookworm",
			"ghcr.io/cloudnative-pg/postgresql:16.10-standard-bookworm > registry.example.com/cloudnative-pg/postgresql:16.10-standard-bookworm",
			"ghcr.io/cloudnative-pg/pgbouncer:1.24.1 > registry.example.com/cloudnative-pg/pgbouncer:1.24.1",
		}},
		{"pgo", []string{
			"registry.developers.crunchydata.com/crunchydata/pgo:5.8.2 > registry.example.com/pgo/pgo:5.8.2",
			"registry.developers.crunchydata.com/crunchydata/postgres-operator:ubi9-5.8.2-0 > registry.example.com/pgo/postgres-operator:ubi9-5.8.2-0",
			"registry.developers.crunchydata.com/crunchydata/crunchy-postgres:ubi9-17.5-2520 > registry.example.com/pgo/crunchy-postgres:ubi9-17.5-2520",
			"registry.developers.crunchydata.com/crunchydata/crunchy-postgres:ubi9-16.9-2520 > registry.example.com/pgo/crunchy-postgres:ubi9-16.9-2520",
		}},
		{"old-cert-manager", []string{
			"quay.io/jetstack/charts/cert-manager:v1.19.1 > registry.example.com/cert-manager/cert-manager:v1.19.1",
			"quay.io/jetstack/cert-manager-controller:v1.19.1 > registry.example.com/cert-manager/cert-manager-controller:v1.19.1",
			"quay.io/jetstack/cert-manager-cainjector:v1.19.1 > registry.example.com/cert-manager/cert-manager-cainjector:v1.19.1",
			"quay.io/jetstack/cert-manager-webhook:v1.19.1 > registry.example.com/cert-manager/cert-manager-webhook:v1.19.1",
		}},
	}
	c := other(t)
	for _, tt := range tests {
		artifacts, err := Select(c, Selection{Product: tt.product, Target: ref.Folder{Host: "registry.example.com"}})
		if err != nil {
			t.Errorf("Select(%s) = %v, want no error", tt.product, err)
			continue
		}
		if diff := cmp.Diff(tt.want, pairs(artifacts)); diff != "" {
			t.Errorf("Select(%s) differs (-want +got):\n%s", tt.product, diff)
		}
	}
}

func pairs(artifacts []Artifact) []string {
	var all []string
	for _, a := range artifacts {
		all = append(all, a.Source.String()+" > "+a.Target.String())
	}
	return all
}

func TestProductWords(t *testing.T) {
	c := other(t)
	var names []string
	for _, p := range c.Products() {
		names = append(names, p.Name)
	}
	if got := strings.Join(names, " "); !strings.HasPrefix(got, "c") || !strings.Contains(got, "old-cert-manager old-cnpg pgo tanzu") {
		t.Errorf("Products() = %s, want all by name", got)
	}
	p, _ := c.Product("tanzu")
	if diff := cmp.Diff([]Edition{Full, Lite}, p.Editions()); diff != "" {
		t.Errorf("Editions() differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ferretdb"}, p.Extras()); diff != "" {
		t.Errorf("Extras() differ (-want +got):\n%s", diff)
	}
}

func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yaml")
	if err := os.WriteFile(huge, make([]byte, longestCatalogue+10), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{filepath.Join(dir, "absent.yaml"), "no such file"},
		{dir, "is a directory"},
		{huge, "larger than 1048576 bytes"},
	}
	for _, tt := range tests {
		if _, err := Load(tt.path); !strings.Contains(message(err), tt.want) || !strings.Contains(message(err), tt.path) {
			t.Errorf("Load(%s) = %v, want it named, and %q", tt.path, err, tt.want)
		}
	}
	if c, err := Load(); err != nil || c != Builtin() {
		t.Errorf("Load() = %v, %v, want the built-in catalogue", c, err)
	}
}
