package lock

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Settle says of what a lock of a registry has that a folder of the user's took the place of the products', where the
// lock does not: earlier ones do not, nor does what a later one has retired of them. Without that it would be looked
// for in that folder of that folder. An empty path stands for the one that all of an earlier lock lies in.
func (l *Lock) Settle(path string) {
	var open []*string // bases that nobody knows
	var targets []ref.Reference
	note := func(target ref.Reference, base *string) {
		if *base == "" && target.Host != "" {
			open, targets = append(open, base), append(targets, target)
		}
	}
	for i := range l.Artifacts {
		note(l.Artifacts[i].Target, &l.Artifacts[i].Base)
	}
	for i := range l.Attachments {
		note(l.Attachments[i].Target, &l.Attachments[i].Base)
	}
	if path == "" && l.Schema == Earlier {
		path = common(targets)
	}
	for i, target := range targets {
		if path != "" && strings.HasPrefix(target.Repository, path+"/") {
			*open[i] = path
		}
	}
}

// common is the folder that all repositories lie in; empty where there is none.
func common(targets []ref.Reference) string {
	folder := ""
	for i, target := range targets {
		if i == 0 {
			folder = parent(target.Repository)
		}
		for folder != "" && !strings.HasPrefix(target.Repository, folder+"/") {
			folder = parent(folder)
		}
	}
	return folder
}

func parent(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 0)] }
