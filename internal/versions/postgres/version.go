// Package postgres has PostgreSQL's versions, and the expressions that select some of them: "17,
// >=14 <16". ParseExpression reads one, and Match says what it comes to of the versions there are.
package postgres

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Version is a PostgreSQL version. The zero value is no version.
type Version struct {
	Major int
	Minor int
}

// versionPattern has no leading zeros, so that a version has one way to be written.
var versionPattern = regexp.MustCompile(`^([1-9][0-9]{0,3})\.(0|[1-9][0-9]{0,3})$`)

// ParseVersion reads a version as PostgreSQL writes it, "17.5".
func ParseVersion(s string) (Version, error) {
	match := versionPattern.FindStringSubmatch(s)
	if match == nil {
		return Version{}, fmt.Errorf("%s is no PostgreSQL version; write it as 17.5", ref.Quote(s))
	}
	major, _ := strconv.Atoi(match[1])
	minor, _ := strconv.Atoi(match[2])
	return Version{Major: major, Minor: minor}, nil
}

// String is the version as PostgreSQL writes it, "17.5".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// Compare is negative where v is older than other, positive where it is newer, else 0.
func (v Version) Compare(other Version) int {
	return cmp.Or(cmp.Compare(v.Major, other.Major), cmp.Compare(v.Minor, other.Minor))
}

// IsZero tells whether v is no version.
func (v Version) IsZero() bool { return v == Version{} }

// MarshalText writes a version as String does, for JSON and YAML.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (v *Version) UnmarshalText(text []byte) error {
	parsed, err := ParseVersion(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// NewestFirst orders versions for people, who look for the newest.
func NewestFirst(a, b Version) int { return b.Compare(a) }

// Newer are those of all that are newer than what there is: than every minor of their
// major, or than every major.
func Newer(have, all []Version) []Version {
	newest := map[int]Version{}
	highest := 0
	for _, v := range have {
		highest = max(highest, v.Major)
		if v.Compare(newest[v.Major]) > 0 {
			newest[v.Major] = v
		}
	}
	newer := slices.DeleteFunc(slices.Clone(all), func(v Version) bool {
		before, known := newest[v.Major]
		return known && v.Compare(before) <= 0 || !known && v.Major < highest
	})
	slices.SortFunc(newer, NewestFirst)
	return slices.Compact(newer)
}
