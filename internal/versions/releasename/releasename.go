// Package releasename has the names that vendors give releases: which is newer, and which two are
// of one release.
package releasename

import (
	"cmp"
	"regexp"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Compare is negative where release a is older than b, positive where it is newer, else 0: as
// semantic versions, and of what is none by the numbers in it.
func Compare(a, b string) int {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	if errX != nil || errY != nil {
		return compareNaturally(withoutV(a), withoutV(b))
	}
	return x.Compare(y)
}

var numberOrText = regexp.MustCompile(`[0-9]+|[^0-9]+`)

// compareNaturally takes the numbers in two texts for numbers: "r9" is before "r10".
func compareNaturally(a, b string) int {
	x, y := numberOrText.FindAllString(a, -1), numberOrText.FindAllString(b, -1)
	for i := 0; i < len(x) && i < len(y); i++ {
		if x[i] == y[i] {
			continue
		}
		if isNumber(x[i]) && isNumber(y[i]) {
			return cmp.Or(cmp.Compare(len(trimZeros(x[i])), len(trimZeros(y[i]))), cmp.Compare(trimZeros(x[i]), trimZeros(y[i])), cmp.Compare(x[i], y[i]))
		}
		return cmp.Compare(x[i], y[i])
	}
	return cmp.Compare(len(x), len(y))
}

func isNumber(s string) bool { return s[0] >= '0' && s[0] <= '9' }

func trimZeros(s string) string {
	for len(s) > 1 && s[0] == '0' {
		s = s[1:]
	}
	return s
}

// Same tells whether two names are of one release: with or without a v.
func Same(a, b string) bool { return withoutV(a) == withoutV(b) }

func withoutV(release string) string { return strings.TrimPrefix(release, "v") }

// IsPreview tells whether a release is one before another: v4.5.0-rc.1.
func IsPreview(release string) bool {
	v, err := semver.NewVersion(release)
	return err == nil && v.Prerelease() != ""
}
