package rewrite

import (
	"fmt"
	"path"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Rewritten are values that name nothing that is not at the target, but for the operator's
// image: a chart without its operator is not what anybody wants to install, so that it is for
// whoever installs to find it missing.
type Rewritten struct {
	Values map[string]any
	// Paths lead to every value that the mapping has, set or left out: see versions.Value.Path.
	Paths [][]string
	// Objects are what is to be installed beside the chart's own: catalogs of images.
	Objects []map[string]any
	// LeftOut are the values that name nothing, for the target has nothing for them to name.
	LeftOut []LeftOut
	// Moved are those that name another version than the chart would.
	Moved []Moved
}

// LeftOut is a value that keeps what the chart has there, or becomes empty.
type LeftOut struct {
	// Key is the value's, as helm's --set takes it.
	Key string
	// Artifact is what it would name.
	Artifact versions.Artifact
	// Emptied says that the chart named the artifact by itself, and that this was taken out.
	Emptied bool
}

// Moved is a value that names another version.
type Moved struct {
	Key      string
	From, To versions.Artifact
}

// Notices say in words what was left out and what was moved.
func (r *Rewritten) Notices() []string {
	var all []string
	for _, left := range r.LeftOut {
		text := title(left.Artifact) + " was not relocated and is left out"
		if left.Emptied {
			text += ": " + left.Key + " is empty"
		}
		all = append(all, text)
	}
	for _, moved := range r.Moved {
		all = append(all, fmt.Sprintf("%s names %s, for %s was not relocated", moved.Key, title(moved.To), title(moved.From)))
	}
	return all
}

// title names an artifact in messages.
func title(a versions.Artifact) string {
	if a.Role == versions.RoleExtra {
		return a.Extra
	}
	return path.Base(a.Target.Repository) + ":" + a.Target.Tag
}
