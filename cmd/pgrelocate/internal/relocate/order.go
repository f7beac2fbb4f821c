package relocate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
)

// ranks are the roles in the order in which a release is listed.
var ranks = []versions.Role{versions.RoleChart, versions.RoleOperator, versions.RoleInstance, versions.RoleExtra, versions.RoleChartImage}

// Order compares artifacts as a selection lists them, whatever they were read from: the newest
// release first, in it the chart, the operator, the images from the newest PostgreSQL on, and what
// else there is.
func Order(a, b versions.Artifact) int {
	return cmp.Or(
		strings.Compare(a.Product, b.Product),
		newerFirst(a.Release, b.Release),
		cmp.Compare(slices.Index(ranks, a.Role), slices.Index(ranks, b.Role)),
		-slices.CompareFunc(a.Versions, b.Versions, postgres.Version.Compare),
		strings.Compare(string(a.Edition), string(b.Edition)),
		strings.Compare(a.Target.String(), b.Target.String()),
	)
}

// newerFirst compares the names of releases, which need not be versions.
func newerFirst(a, b string) int {
	one, errA := semver.NewVersion(a)
	other, errB := semver.NewVersion(b)
	if errA != nil || errB != nil {
		return strings.Compare(b, a)
	}
	return other.Compare(one)
}
