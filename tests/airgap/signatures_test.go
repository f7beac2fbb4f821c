package airgap_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

const operatorInside = "tanzu-sql-postgres/postgres-operator:v4.3.1"

// What is attached crosses the gap unless save or load is told to leave it behind: then no
// signature, no referrer and no index of referrers arrives, and everything else does.
func TestSignaturesLeftBehind(t *testing.T) {
	for _, kind := range kinds[:2] {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			source := vendor(t, kind.make)
			d := newDesk(t)
			save := []string{"save", "--source", source.Host, "--versions", "17.5", "-f"}
			d.pgrelocate(t, append(save, "whole.tar")...)
			d.pgrelocate(t, append(save, "bare.tar", "--signatures=false")...)
			signature := "tanzu-sql-postgres/postgres-operator:sha256-" + source.Digest(t, "postgres-operator:v4.3.1").Hex + ".sig"
			sbom := referrers(t, source, "postgres-operator:v4.3.1")
			if len(sbom) != 1 {
				t.Fatalf("the vendor's operator has referrers %v, want one", sbom)
			}

			for bundle, attached := range map[string]bool{"whole.tar": true, "bare.tar": false} {
				body, err := os.ReadFile(d.path(bundle))
				if err != nil {
					t.Fatal(err)
				}
				// Names in a tar, the index and the lock all have the digest as it is.
				if got := strings.Contains(string(body), strings.TrimPrefix(sbom[0], "sha256:")); got != attached {
					t.Errorf("%s has the SBOM: %v, want %v", bundle, got, attached)
				}
				want := "5 artifacts, 0 attachments: "
				if attached {
					want = "5 artifacts, 2 attachments: "
				}
				if out := d.pgrelocate(t, "bundle", "inspect", bundle); !strings.Contains(out, want) {
					t.Errorf("bundle inspect %s says\n%s\nwant %q", bundle, out, want)
				}
			}

			tests := []struct {
				name     string
				load     []string
				attached bool
			}{
				{"by default", []string{"whole.tar"}, true},
				{"not saved", []string{"bare.tar"}, false},
				{"not loaded", []string{"whole.tar", "--signatures=false"}, false},
			}
			for _, tt := range tests {
				t.Run(tt.name, func(t *testing.T) {
					target := kind.make(t, registrytest.Options{})
					load := []string{"load", "--registry", target.Host, "-f"}
					d.pgrelocate(t, append(load, tt.load...)...)
					wantAttached(t, target, source, signature, sbom, tt.attached)

					// What was left behind can still be brought.
					d.pgrelocate(t, append(load, "whole.tar")...)
					wantAttached(t, target, source, signature, sbom, true)
				})
			}
		})
	}
}

// wantAttached wants the five artifacts at the target, with the signature and the SBOM of
// the operator or with nothing beside them.
func wantAttached(t *testing.T, target, source *registrytest.Registry, signature string, sbom []string, attached bool) {
	t.Helper()
	contents := target.Contents(t)
	var want []string
	for _, name := range []string{"vmware-sql-postgres-operator:v4.3.1", "postgres-operator:v4.3.1", "postgres-instance:v17.5-v4.3.1", "postgres-instance:v17.5-lite-v4.3.1", "ferretdb:v2.3.1"} {
		want = append(want, "tanzu-sql-postgres/"+name)
		if got, saved := contents["tanzu-sql-postgres/"+name], source.Digest(t, name).String(); got != saved {
			t.Errorf("%s arrived as %s, want %s", name, got, saved)
		}
	}
	if attached {
		want = append(want, signature)
		contents = plain(contents)
	} else {
		sbom = nil
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(contents))); diff != "" {
		t.Errorf("the tags that arrived:\n%s", diff)
	}
	if diff := cmp.Diff(sbom, referrers(t, target, operatorInside)); diff != "" {
		t.Errorf("the referrers that arrived:\n%s", diff)
	}
}
