package standin

import (
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// part is one layer of the family. Images that have a part of the same name share it.
type part struct {
	name string
	// weight is the layer's share of the whole.
	weight int64
}

// parts are an artifact's layers, the most shared first. A release of twenty instance
// images has, with operator and FerretDB, 35 distinct layers in 3
// repositories; only the base is in all of them.
func parts(release string, a versions.Artifact) []part {
	base := part{"base", 50}
	switch a.Role {
	case versions.RoleOperator:
		return []part{base, {"tools of " + release, 22}}
	case versions.RoleExtra:
		return []part{base, {a.Extra + " " + a.Source.Tag, 38}}
	case versions.RoleInstance:
		return instanceParts(release, base, a)
	default:
		return nil
	}
}

// instanceParts builds an instance image up: what all have, what a major has, what a
// minor has, and the extensions. Lite images of one major have the same few extensions.
func instanceParts(release string, base part, a versions.Artifact) []part {
	all := []part{base, {"runtime of " + release, 25}}
	majors := map[int]bool{}
	for _, v := range a.Versions {
		if !majors[v.Major] {
			majors[v.Major] = true
			all = append(all, part{fmt.Sprintf("PostgreSQL %d", v.Major), 37})
		}
		all = append(all, part{fmt.Sprintf("PostgreSQL %s", v), 19})
		if a.Edition == versions.Lite {
			all = append(all, part{fmt.Sprintf("lite extensions of %d in %s", v.Major, release), 10})
		} else {
			all = append(all, part{fmt.Sprintf("extensions of %s in %s", v, release), 44})
		}
	}
	return all
}

// total is the weight of all distinct parts of a family.
func total(release string, artifacts []versions.Artifact) int64 {
	seen := map[string]bool{}
	var sum int64
	for _, a := range artifacts {
		for _, p := range parts(release, a) {
			if !seen[p.name] {
				seen[p.name] = true
				sum += p.weight
			}
		}
	}
	return sum
}
