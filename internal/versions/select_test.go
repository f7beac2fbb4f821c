package versions_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/errortest"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// pick is a selection of versions.
func pick(t *testing.T, expression string, more versions.Selection) versions.Selection {
	t.Helper()
	e, err := postgres.ParseExpression(expression)
	if err != nil {
		t.Fatal(err)
	}
	more.Versions = e
	return more
}

func TestSelectEverything(t *testing.T) {
	artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if len(artifacts) != 23 {
		t.Errorf("Select() = %d artifacts, want the 23 of v4.3.1", len(artifacts))
	}
	roles := map[versions.Role]int{}
	for _, a := range artifacts {
		roles[a.Role]++
	}
	want := map[versions.Role]int{versions.RoleChart: 1, versions.RoleOperator: 1, versions.RoleInstance: 20, versions.RoleExtra: 1}
	if diff := cmp.Diff(want, roles); diff != "" {
		t.Errorf("roles differ (-want +got):\n%s", diff)
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
		artifacts, err := versions.Select(c, versions.Selection{Product: tt.product, Target: ref.Folder{Host: "registry.example.com"}})
		if err != nil {
			t.Errorf("Select(%s) = %v, want no error", tt.product, err)
			continue
		}
		if diff := cmp.Diff(tt.want, pairs(artifacts)); diff != "" {
			t.Errorf("Select(%s) differs (-want +got):\n%s", tt.product, diff)
		}
	}
}

func pairs(artifacts []versions.Artifact) []string {
	var all []string
	for _, a := range artifacts {
		all = append(all, a.Source.String()+" > "+a.Target.String())
	}
	return all
}

func TestSelectTags(t *testing.T) {
	tests := []struct {
		name      string
		versions  string
		selection versions.Selection
		want      string
	}{
		{"one version", "17.5", versions.Selection{}, "vmware-sql-postgres-operator:v4.3.1 postgres-operator:v4.3.1 postgres-instance:v17.5-v4.3.1 postgres-instance:v17.5-lite-v4.3.1 ferretdb:v2.3.1"},
		{"lite, without extras", "16", versions.Selection{Editions: []versions.Edition{versions.Lite}, Extras: []string{"none"}}, "vmware-sql-postgres-operator:v4.3.1 postgres-operator:v4.3.1 postgres-instance:v16.9-lite-v4.3.1"},
		{"extras by name", "16", versions.Selection{Editions: []versions.Edition{versions.Lite}, Extras: []string{"ferretdb"}}, "vmware-sql-postgres-operator:v4.3.1 postgres-operator:v4.3.1 postgres-instance:v16.9-lite-v4.3.1 ferretdb:v2.3.1"},
		{"all extras", "16", versions.Selection{Editions: []versions.Edition{versions.Full}, Extras: []string{"all"}}, "vmware-sql-postgres-operator:v4.3.1 postgres-operator:v4.3.1 postgres-instance:v16.9-v4.3.1 ferretdb:v2.3.1"},
		{"one image for all", "16.6,11.22", versions.Selection{Releases: []string{"v4.0.0"}}, "vmware-sql-postgres-operator:v4.0.0 postgres-operator:v4.0.0 postgres-instance:v4.0.0"},
		{"editions do not narrow one image", "", versions.Selection{Releases: []string{"4.0.0"}, Editions: []versions.Edition{versions.Lite}}, "vmware-sql-postgres-operator:v4.0.0 postgres-operator:v4.0.0 postgres-instance:v4.0.0"},
		{"a chart that is not known", "latest", versions.Selection{Releases: []string{"v1.5.0"}}, "postgres-operator:v1.5.0 postgres-instance:v1.5.0"},
		{"two releases", "17.5,16.6", versions.Selection{Releases: []string{"v4.0.0", "v4.3.1", "4.0.0"}, Editions: []versions.Edition{versions.Full}}, "vmware-sql-postgres-operator:v4.3.1 postgres-operator:v4.3.1 postgres-instance:v17.5-v4.3.1 ferretdb:v2.3.1 vmware-sql-postgres-operator:v4.0.0 postgres-operator:v4.0.0 postgres-instance:v4.0.0"},
	}
	for _, tt := range tests {
		artifacts, err := versions.Select(catalogue.Builtin(), pick(t, tt.versions, tt.selection))
		if err != nil {
			t.Errorf("%s: Select() = %v, want no error", tt.name, err)
			continue
		}
		var got []string
		for _, a := range artifacts {
			got = append(got, strings.TrimPrefix(a.Target.String(), "tanzu-sql-postgres/"))
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s: Select() differs (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestSelectRefuses(t *testing.T) {
	tests := []struct {
		versions  string
		selection versions.Selection
		want      string
	}{
		{"17.6", versions.Selection{}, "17.6 is not in v4.3.1; it has 17.5, 17.4"},
		{"17.6", versions.Selection{Releases: []string{"v4.3.1", "v4.0.0"}}, "17.6 is not in v4.3.1 or v4.0.0; it has 17.5, 17.4"},
		{"17.5", versions.Selection{Releases: []string{"v4.0.0"}}, "17.5 is not in v4.0.0; it has 16.6, 15.10, 14.15, 13.18, 12.22, 11.22"},
		{"", versions.Selection{Product: "xyz"}, "xyz is not a product of the catalogue; it has " + productNames()},
		{"", versions.Selection{Releases: []string{"v4.3.1", "v4.4.0"}}, "v4.4.0 is not a known release of tanzu; it has v4.3.1, v4.0.0, v2.0.1, v1.5.0"},
		{"", versions.Selection{Editions: []versions.Edition{"light"}}, "light is not an edition of v4.3.1; it has full, lite"},
		{"", versions.Selection{Editions: []versions.Edition{"ful"}}, "ful is not an edition of v4.3.1; did you mean full? it has full, lite"},
		{"", versions.Selection{Editions: []versions.Edition{"ful"}, Releases: []string{"v4.0.0"}}, "ful is not an edition of v4.0.0; did you mean full? it has full, lite"},
		{"", versions.Selection{Extras: []string{"feretdb"}}, "feretdb is not an extra of v4.3.1; did you mean ferretdb? it has ferretdb"},
		{"", versions.Selection{Extras: []string{"none", "ferretdb"}}, "extras: none cannot stand beside others"},
		{"", versions.Selection{Extras: []string{"ferretdb"}, Releases: []string{"v4.0.0"}}, "ferretdb is not an extra of v4.0.0"},
	}
	for _, tt := range tests {
		if got, err := versions.Select(catalogue.Builtin(), pick(t, tt.versions, tt.selection)); errortest.Message(err) != tt.want || got != nil {
			t.Errorf("Select(%q, %+v) = %v, %q, want %q", tt.versions, tt.selection, got, errortest.Message(err), tt.want)
		}
	}
}

func TestSelectRefusesAnEditionThatAVersionLacks(t *testing.T) {
	s := pick(t, "16.10", versions.Selection{Product: "old-cnpg", Editions: []versions.Edition{"minimal"}})
	const want = "16.10 is not in 1.27.1 as minimal; it has 17.6"
	if _, err := versions.Select(other(t), s); errortest.Message(err) != want {
		t.Errorf("Select(16.10 minimal) = %q, want %q", errortest.Message(err), want)
	}
}

// A folder and an artifact may each be in order, and be no repository together.
func TestSelectRefusesNamesThatNoRegistryTakes(t *testing.T) {
	long := ref.Folder{Host: "registry.example.com", Path: strings.Repeat("a", 240)}
	tests := []struct {
		selection versions.Selection
		want      string
	}{
		{versions.Selection{Source: ref.Folder{Host: "docker.io"}}, "chart of v4.3.1: no repository of Docker Hub is outside a namespace; write docker.io/library/vmware-sql-postgres-operator or docker.io/NAMESPACE/vmware-sql-postgres-operator"},
		{versions.Selection{Target: long}, `chart of v4.3.1: "` + strings.Repeat("a", 80) + `…" is no repository; it is longer than 255 characters`},
	}
	for _, tt := range tests {
		if got, err := versions.Select(catalogue.Builtin(), tt.selection); errortest.Message(err) != tt.want || got != nil {
			t.Errorf("Select() = %v, %q, want %q", got, errortest.Message(err), tt.want)
		}
	}
	for _, target := range []ref.Folder{{}, {Host: "docker.io"}, {Host: "docker.io", Path: "team"}} {
		if _, err := versions.Select(catalogue.Builtin(), versions.Selection{Target: target}); err != nil {
			t.Errorf("Select() into %v = %v, want no error", target, err)
		}
	}
}

func TestSelectReferences(t *testing.T) {
	tests := []struct {
		source, target string // registries
		want           string // of the operator
	}{
		{"", "registry.example.com", "tanzu-sql-postgres.packages.broadcom.com/postgres-operator:v4.3.1 > registry.example.com/tanzu-sql-postgres/postgres-operator:v4.3.1"},
		{"", "registry.example.com:5000/a/b", "tanzu-sql-postgres.packages.broadcom.com/postgres-operator:v4.3.1 > registry.example.com:5000/a/b/postgres-operator:v4.3.1"},
		{"127.0.0.1:5000", "registry.example.com", "127.0.0.1:5000/postgres-operator:v4.3.1 > registry.example.com/tanzu-sql-postgres/postgres-operator:v4.3.1"},
		{"mirror.example.com/tanzu", "", "mirror.example.com/tanzu/postgres-operator:v4.3.1 > tanzu-sql-postgres/postgres-operator:v4.3.1"},
	}
	for _, tt := range tests {
		var s versions.Selection
		for text, into := range map[string]*ref.Folder{tt.source: &s.Source, tt.target: &s.Target} {
			if err := into.UnmarshalText([]byte(text)); err != nil {
				t.Fatal(err)
			}
		}
		artifacts, err := versions.Select(catalogue.Builtin(), s)
		if err != nil {
			t.Fatal(err)
		}
		if got := pairs(artifacts)[1]; got != tt.want {
			t.Errorf("Select(%s > %s) = %s, want %s", tt.source, tt.target, got, tt.want)
		}
	}
}

func TestSelectSharesWhatReleasesShare(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "mine.yaml", []byte(`
product: tanzu
releases:
  v4.3.2: {shape: image-per-version, versions: [17.5], tags: {ferretdb: v2.3.1}}
`))
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := versions.Select(c, pick(t, "17.5", versions.Selection{Releases: []string{"v4.3.1", "v4.3.2"}, Editions: []versions.Edition{versions.Full}}))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, a := range artifacts {
		seen[a.Source.String()]++
	}
	if len(artifacts) != 7 || seen["tanzu-sql-postgres.packages.broadcom.com/ferretdb:v2.3.1"] != 1 {
		t.Errorf("Select(two releases with one FerretDB) = %v, want 7 artifacts, each once", pairs(artifacts))
	}
}

// The JSON of an artifact is what locks hold: references as people write them. What locks held before
// is read for good.
func TestArtifactJSON(t *testing.T) {
	artifacts, err := versions.Select(catalogue.Builtin(), pick(t, "16.6", versions.Selection{Releases: []string{"v4.0.0"}, Target: ref.Folder{Host: "registry.example.com"}}))
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(artifacts[2])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"product":"tanzu","release":"v4.0.0","role":"instance","versions":["16.6"],` +
		`"source":"tanzu-sql-postgres.packages.broadcom.com/postgres-instance:v4.0.0",` +
		`"target":"registry.example.com/tanzu-sql-postgres/postgres-instance:v4.0.0"}`
	if string(data) != want {
		t.Errorf("Marshal(artifact) = %s, want %s", data, want)
	}
	const earlier = `{"product":"tanzu","release":"v4.0.0","role":"instance","versions":["16.6"],` +
		`"source":{"host":"tanzu-sql-postgres.packages.broadcom.com","repository":"postgres-instance","tag":"v4.0.0"},` +
		`"target":{"host":"registry.example.com","repository":"tanzu-sql-postgres/postgres-instance","tag":"v4.0.0"}}`
	for _, text := range []string{want, earlier} {
		var got versions.Artifact
		if err := json.Unmarshal([]byte(text), &got); err != nil || got.Source != artifacts[2].Source || got.Target != artifacts[2].Target {
			t.Errorf("Unmarshal(%s) = %+v, %v", text, got, err)
		}
	}
}

const twoVendors = `
product: moved
target: moved
registries: {old: old.example.com/pg, new: new.example.com, hub: hub.example.com/images}
shapes:
  s:
    registry: new
    chart: {repository: operator, tag: "{release}"}
    operator: {registry: hub, repository: operator-image, tag: "{release}"}
    instances: [{repository: postgres, tag: "{version}"}]
    extras: {pooler: {repository: pooler, tag: "1.0"}}
releases:
  2.0.0: {shape: s, versions: [17.5]}
  1.0.0+build.7: {shape: s, registry: old, versions: [16.9]}
`

// Another source does not make two artifacts one, however it keeps them.
func TestSourceKeepsArtifactsApart(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "moved.yaml", []byte(twoVendors))
	if err != nil {
		t.Fatal(err)
	}
	for _, source := range []ref.Folder{{}, {Host: "mirror.example.com"}} {
		artifacts, err := versions.Select(c, versions.Selection{Product: "moved", Source: source})
		if err != nil || len(artifacts) != 4 {
			t.Errorf("Select(source %q) = %v, %v, want 4 artifacts", source, pairs(artifacts), err)
		}
		_, err = versions.Select(c, versions.Selection{Product: "moved", Source: source, Releases: []string{"2.0.0", "1.0.0+build.7"}})
		const want = "new.example.com/pooler:1.0 of 2.0.0 and old.example.com/pg/pooler:1.0 of 1.0.0+build.7 would both become moved/pooler:1.0: select one release at a time"
		if errortest.Message(err) != want {
			t.Errorf("Select(both releases, source %q) = %q, want %q", source, errortest.Message(err), want)
		}
	}
}

// Two artifacts of one release that would become one at the target are refused when the
// catalogue is read.
func TestCatalogueRefusesOneTargetForTwo(t *testing.T) {
	clash := strings.ReplaceAll(twoVendors, "operator-image", "operator")
	const want = "releases.1.0.0+build.7: old.example.com/pg/operator:1.0.0_build.7 and hub.example.com/images/operator:1.0.0_build.7 would both become operator:1.0.0_build.7 at the target; one of them needs another repository or tag"
	if _, err := catalogue.Merge(catalogue.Builtin(), "moved.yaml", []byte(clash)); !strings.Contains(errortest.Message(err), want) {
		t.Errorf("Merge(chart and operator of one name) = %q, want %q", errortest.Message(err), want)
	}
}

// A tag takes no plus: as helm does, an underscore stands for it, in what is read back too.
func TestReleaseWithBuildMetadata(t *testing.T) {
	c, err := catalogue.Merge(catalogue.Builtin(), "moved.yaml", []byte(strings.ReplaceAll(twoVendors, `tag: "{version}"`, `tag: "{version}-{release}"`)))
	if err != nil {
		t.Fatal(err)
	}
	artifacts, err := versions.Select(c, versions.Selection{Product: "moved", Releases: []string{"1.0.0+build.7"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := pairs(artifacts)[0], "old.example.com/pg/operator:1.0.0_build.7 > moved/operator:1.0.0_build.7"; got != want {
		t.Errorf("Select() = %s, want %s", got, want)
	}
	p, _ := c.Product("moved")
	if got := learning.TagVersions(p, "postgres", []string{"16.9-1.0.0_build.7"}); len(got) != 1 || got[0].Release != "1.0.0+build.7" {
		t.Errorf("TagVersions() = %v, want release 1.0.0+build.7", got)
	}
}

func productNames() string {
	var all []string
	for _, p := range catalogue.Builtin().Products() {
		all = append(all, p.Name)
	}
	return strings.Join(all, ", ")
}
