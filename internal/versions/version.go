package versions

import "fmt"

// Version is a PostgreSQL version. The zero value is no version.
type Version struct {
	Major int
	Minor int
}

// String is the version as PostgreSQL writes it, "17.5".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }
