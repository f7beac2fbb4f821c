package relocate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Whatever artifacts were read from, they stand in the order in which the catalogue selects them: by
// release and role; images for versions, too, where there are no others of the same version.
func TestOrder(t *testing.T) {
	for _, product := range catalogue.Builtin().Products() {
		var releases []string
		for _, release := range product.Releases {
			releases = append(releases, release.Name)
		}
		selected, err := versions.Select(catalogue.Builtin(), versions.Selection{
			Product: product.Name, Releases: releases, Target: ref.Folder{Host: "registry.example.com"},
		})
		if err != nil {
			t.Fatal(err)
		}
		sorted := slices.Clone(selected)
		slices.SortFunc(sorted, func(a, b versions.Artifact) int { // as a lock sorts them
			return strings.Compare(a.Target.String(), b.Target.String())
		})
		slices.SortStableFunc(sorted, Order)
		whole := product.Name == versions.DefaultProduct
		if diff := cmp.Diff(names(selected, whole), names(sorted, whole)); diff != "" {
			t.Errorf("%s: the order of the catalogue (-want +got):\n%s", product.Name, diff)
		}
	}
}

func names(artifacts []versions.Artifact, whole bool) []string {
	names := make([]string, len(artifacts))
	for i, a := range artifacts {
		names[i] = a.Release + " " + string(a.Role)
		if whole {
			names[i] += " " + a.Target.String()
		}
	}
	return names
}
