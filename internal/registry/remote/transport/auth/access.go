package auth

import (
	"slices"
	"strings"
)

// Access is what a request needs of the registry: a repository, and whether it writes. The
// zero value is no repository's.
type Access struct {
	Repository string
	Push       bool
	// Delete is the right to remove something from it.
	Delete bool
	// From is a further repository that is read, for a mount.
	From string
}

// scopes are the access's names in the token protocol.
func (a Access) scopes() []string {
	if a.Repository == "" {
		return nil
	}
	actions := "pull"
	if a.Push {
		actions = "pull,push"
	}
	if a.Delete {
		actions += ",delete"
	}
	list := []string{"repository:" + a.Repository + ":" + actions}
	if a.From != "" && a.From != a.Repository {
		list = append(list, "repository:"+a.From+":pull")
	}
	return list
}

// mostAsked bounds the scopes that a challenge may add to our own.
const mostAsked = 4

// asking puts before our own scopes those that a challenge asks for and that are about other
// resources: a registry may know the repository by another name than the one in its address.
func asking(asked string, own []string) []string {
	about := func(scope string) string { return scope[:max(strings.LastIndexByte(scope, ':'), 0)] }
	var all []string
	for _, scope := range strings.Fields(asked) {
		same := func(own string) bool { return about(own) == about(scope) }
		if !slices.ContainsFunc(own, same) && len(all) < mostAsked {
			all = append(all, scope)
		}
	}
	return append(all, own...)
}
