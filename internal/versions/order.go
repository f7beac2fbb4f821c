package versions

import (
	"cmp"
	"regexp"

	"github.com/Masterminds/semver/v3"
)

// compareReleases orders releases as semantic versions, and what is none by the numbers in it.
func compareReleases(a, b string) int {
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
