package lock

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Settle says of what a lock of a registry has that a folder of the user's took the place of the products', where the
// lock does not: earlier ones do not, nor does what a later one has retired of them. Without that it would be looked
// for in that folder of that folder. An empty path stands for the one that all of an earlier lock lies in.
func (l *Lock) Settle(path string) {
	var open []*string   // bases that nobody knows
	var targets []string // repositories, of the same
	note := func(target ref.Reference, base *string) {
		if *base == "" && target.Host != "" {
			open, targets = append(open, base), append(targets, target.Repository)
		}
	}
	for i := range l.Artifacts {
		note(l.Artifacts[i].Target, &l.Artifacts[i].Base)
	}
	for i := range l.Attachments {
		note(l.Attachments[i].Target, &l.Attachments[i].Base)
	}
	if path == "" && l.Schema == Earlier {
		path = ref.Common(targets)
	}
	for i, target := range targets {
		if path != "" && strings.HasPrefix(target, path+"/") {
			*open[i] = path
		}
	}
}
