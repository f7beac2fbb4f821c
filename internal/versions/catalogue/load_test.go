package catalogue_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
)

func TestBuiltinReleases(t *testing.T) {
	p, err := catalogue.Builtin().Product("")
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
		editions []versions.Edition
		source   string // of the newest instance
		chart    string
		names    string // of the newest version's instances
	}{
		{
			release:  "v4.3.1",
			versions: "17.5 17.4 16.9 16.8 15.13 15.12 14.18 14.17 13.21 13.20",
			editions: []versions.Edition{versions.Full, versions.Lite},
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

func chartOf(r *versions.Release) string {
	if r.Chart() == nil {
		return ""
	}
	return r.Chart().Vendor().String()
}

func TestBuiltinValues(t *testing.T) {
	want := map[string][]versions.Value{
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
	p, _ := catalogue.Builtin().Product("tanzu")
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

func TestReleasesSortSemantically(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "mine.yaml", []byte(`
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
	if p, _ := catalogue.Builtin().Product("tanzu"); len(p.Releases) != 4 {
		t.Errorf("Merge changed its receiver: it has %d releases, want 4", len(p.Releases))
	}
}

func TestLoadFiles(t *testing.T) {
	dir := t.TempDir()
	huge := filepath.Join(dir, "huge.yaml")
	if err := os.WriteFile(huge, make([]byte, schema.Longest+10), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{filepath.Join(dir, "absent.yaml"), "no such file"},
		{dir, "is a directory"},
		{huge, "larger than 1048576 bytes"},
	}
	for _, tt := range tests {
		if _, err := catalogue.Load(tt.path); !strings.Contains(errortest.Message(err), tt.want) || !strings.Contains(errortest.Message(err), tt.path) {
			t.Errorf("Load(%s) = %v, want it named, and %q", tt.path, err, tt.want)
		}
	}
	if c, err := catalogue.Load(); err != nil || c != catalogue.Builtin() {
		t.Errorf("Load() = %v, %v, want the built-in catalogue", c, err)
	}
}

func texts(all []postgres.Version) []string {
	var words []string
	for _, v := range all {
		words = append(words, v.String())
	}
	return words
}
