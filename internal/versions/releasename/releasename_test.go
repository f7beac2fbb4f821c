package releasename

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Releases are semantic versions where they can be, and else what the numbers in them say.
func TestCompareReleases(t *testing.T) {
	want := []string{"v1.9.0", "v1.10.0-rc.1", "1.10.0", "v2.0.0", "v10.0.0"}
	got := []string{"v10.0.0", "1.10.0", "v1.9.0", "v2.0.0", "v1.10.0-rc.1"}
	slices.SortFunc(got, Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sorted by compareReleases differs (-want +got):\n%s", diff)
	}
	want = []string{"ubi8-5.8.2-0", "ubi9-5.8.2-0", "ubi9-5.8.10-0", "ubi9-5.8.10-12", "ubi9-5.8.10-12-a"}
	got = []string{"ubi9-5.8.10-12-a", "ubi9-5.8.10-12", "ubi8-5.8.2-0", "ubi9-5.8.10-0", "ubi9-5.8.2-0"}
	slices.SortFunc(got, Compare)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sorted by compareReleases differs (-want +got):\n%s", diff)
	}
	for _, pair := range [][2]string{{"r9", "r10"}, {"r2", "r0010"}, {"2024-w9", "2024-w10"}, {"a", "b"}, {"r1", "r1x"}} {
		if compareNaturally(pair[0], pair[1]) >= 0 || compareNaturally(pair[1], pair[0]) <= 0 {
			t.Errorf("compareNaturally(%s, %s) = %d, and the other way round %d, want the first before the second",
				pair[0], pair[1], compareNaturally(pair[0], pair[1]), compareNaturally(pair[1], pair[0]))
		}
	}
	if got := compareNaturally("r10", "r10"); got != 0 {
		t.Errorf("compareNaturally of the same = %d, want 0", got)
	}
}
