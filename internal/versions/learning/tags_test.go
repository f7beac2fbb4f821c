package learning

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

func TestTagVersions(t *testing.T) {
	p, err := catalogue.Builtin().Product("tanzu")
	if err != nil {
		t.Fatal(err)
	}
	tags := []string{
		"v17.5-v4.3.1", "v17.5-lite-v4.3.1", "v17.6-v4.5.0", "v18.4-v4.5.0", "v18.4-lite-v4.5.0", "v18.4-v4.5.0",
		"latest", "v4.0.0", "v18.6", "v17.5", "v17.5-light-v4.3.1", "v17.5-lite-lite-v4.3.1", "v17-v4.3.1", "v17.5-v4.3.1.sig",
		"sha256-20cd8e22a7d0c903e608c3b21f9b344f81f19730047372e7bc499f5f0425b638.sig", "", "v17.05-v4.3.1", "xv17.5-v4.3.1",
	}
	want := []TagVersion{
		{"v4.5.0", postgres.Version{Major: 18, Minor: 4}, versions.Full},
		{"v4.5.0", postgres.Version{Major: 18, Minor: 4}, versions.Lite},
		{"v4.5.0", postgres.Version{Major: 17, Minor: 6}, versions.Full},
		{"v4.3.1", postgres.Version{Major: 17, Minor: 5}, versions.Full},
		{"v4.3.1", postgres.Version{Major: 17, Minor: 5}, versions.Lite},
	}
	if diff := cmp.Diff(want, TagVersions(p, "postgres-instance", tags)); diff != "" {
		t.Errorf("TagVersions(postgres-instance) differ (-want +got):\n%s", diff)
	}
}

// The vendor's registry holds an image that looks like an instance and that the operator
// does not use.
func TestTagVersionsNeverOfAnotherRepository(t *testing.T) {
	p, _ := catalogue.Builtin().Product("tanzu")
	for _, repository := range []string{"postgres-oci", "postgres-operator", ""} {
		if got := TagVersions(p, repository, []string{"v18.6", "v17.5-v4.3.1"}); len(got) != 0 {
			t.Errorf("TagVersions(%q) = %v, want none", repository, got)
		}
	}
}

// tellingOf is a repository of the built-in product.
func tellingOf(t *testing.T, product, repository string) (Telling, bool) {
	t.Helper()
	p, err := catalogue.Builtin().Product(product)
	if err != nil {
		t.Fatal(err)
	}
	for _, telling := range TellingOf(p) {
		if telling.Repository == repository {
			return telling, true
		}
	}
	return Telling{}, false
}

func TestTellingReads(t *testing.T) {
	instances, ok := tellingOf(t, "tanzu", "postgres-instance")
	if !ok {
		t.Fatal("Telling() lacks postgres-instance")
	}
	tags := []string{
		"v17.5-v4.3.1", "v17.5-lite-v4.3.1", "v17.6-v4.5.0", "v18.4-v4.5.0", "v18.4-lite-v4.5.0", "v18.4-v4.5.0",
		"latest", "v4.0.0", "v18.6", "v17.5", "v17.5-light-v4.3.1", "v17.5-lite-lite-v4.3.1", "v17-v4.3.1", "v17.5-v4.3.1.sig",
		"sha256-20cd8e22a7d0c903e608c3b21f9b344f81f19730047372e7bc499f5f0425b638.sig", "", "v17.05-v4.3.1", "xv17.5-v4.3.1",
	}
	type said struct {
		Release string
		Version postgres.Version
		Edition versions.Edition
	}
	want := []said{
		{"v4.5.0", postgres.Version{Major: 18, Minor: 4}, versions.Full},
		{"v4.5.0", postgres.Version{Major: 18, Minor: 4}, versions.Lite},
		{"v4.5.0", postgres.Version{Major: 17, Minor: 6}, versions.Full},
		{"v4.3.1", postgres.Version{Major: 17, Minor: 5}, versions.Full},
		{"v4.3.1", postgres.Version{Major: 17, Minor: 5}, versions.Lite},
	}
	var got []said
	for _, tag := range instances.Read(tags) {
		got = append(got, said{tag.Release, tag.Version, tag.Edition()})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Read(…) differs (-want +got):\n%s", diff)
	}
}

// The vendor's registry holds an image that looks like an instance and that the operator
// does not use; and an image whose tag tells nothing is no use.
func TestTellingIsOfTheCatalogueAlone(t *testing.T) {
	for _, repository := range []string{"postgres-oci", "ferretdb", ""} {
		if _, ok := tellingOf(t, "tanzu", repository); ok {
			t.Errorf("Telling() has %q, want it without", repository)
		}
	}
}

// Where a version's image belongs to no release, its tags tell of versions and axes alone.
func TestTellingWithoutReleases(t *testing.T) {
	images, ok := tellingOf(t, "cloudnative-pg", "postgresql")
	if !ok || images.TellsReleases() || !images.TellsVersions() {
		t.Fatalf("Telling() has postgresql: %v, releases %v, versions %v, want it with versions alone", ok, images.TellsReleases(), images.TellsVersions())
	}
	got := images.Read([]string{"18.6-202608170814-standard-trixie", "18-standard-trixie", "18.6-202608170814-small-trixie", "17.11"})
	want := map[string]string{"built": "202608170814", "flavour": "standard", "os": "trixie"}
	if len(got) != 1 || got[0].Version != (postgres.Version{Major: 18, Minor: 6}) || !maps.Equal(got[0].Axes, want) {
		t.Errorf("Read(…) = %+v, want 18.6 with %v alone", got, want)
	}
}
