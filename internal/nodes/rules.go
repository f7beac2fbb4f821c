// Package nodes makes what lets the nodes of a cluster take images from a private registry that
// pods name at their vendor's: the configuration of their container runtimes. It is pure.
//
//	rules, err := nodes.Rules(artifacts)
//	files, err := nodes.Files(nodes.Containerd, rules, nodes.Options{})
package nodes

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Rule says that what lies in one place lies in another too.
type Rule struct {
	// Vendor is a registry, a folder in one or, where Exact is set, a repository.
	Vendor ref.Folder
	// Private is the same in the private registry.
	Private ref.Folder
	// Exact: the places are repositories, and not folders with nothing but repositories in them.
	Exact bool
}

// String is VENDOR -> PRIVATE.
func (r Rule) String() string { return r.Vendor.String() + " -> " + r.Private.String() }

// pair is a repository with its place in the private registry.
type pair struct{ vendor, private ref.Folder }

// Rules are the fewest that lead from the sources of images to their targets, in the order of the
// vendor's names. Charts are left out: no node pulls them. An image that lies in two places of the
// private registry is an error.
func Rules(artifacts []versions.Artifact) ([]Rule, error) {
	places := map[ref.Folder]ref.Folder{}
	for _, a := range artifacts {
		if a.Role == versions.RoleChart || a.ChartURL != "" {
			continue
		}
		from := ref.Folder{Host: ref.CanonicalHost(a.Source.Host), Path: a.Source.Canonical().Repository}
		to := ref.Folder{Host: a.Target.Host, Path: a.Target.Repository}
		if before, ok := places[from]; ok && before != to {
			return nil, fmt.Errorf("%s lies in two places, %s and %s: a node can be led to one; choose one product at a time", from, before, to)
		}
		places[from] = to
	}
	var pairs []pair
	for from, to := range places {
		pairs = append(pairs, pair{from, to})
	}
	return fewest(pairs), nil
}

// fewest takes repositories of one folder together where all keep their names in another one.
func fewest(pairs []pair) []Rule {
	folders := map[ref.Folder][]pair{}
	for _, p := range pairs {
		folder := parent(p.vendor)
		folders[folder] = append(folders[folder], p)
	}
	var rules []Rule
	for folder, members := range folders {
		target := parent(members[0].private)
		together := !slices.ContainsFunc(members, func(p pair) bool {
			return path.Base(p.vendor.Path) != path.Base(p.private.Path) || parent(p.private) != target
		})
		if together {
			rules = append(rules, Rule{Vendor: folder, Private: target})
			continue
		}
		for _, p := range members {
			rules = append(rules, Rule{Vendor: p.vendor, Private: p.private, Exact: true})
		}
	}
	slices.SortFunc(rules, func(a, b Rule) int { return cmp.Compare(a.Vendor.String(), b.Vendor.String()) })
	return rules
}

func parent(of ref.Folder) ref.Folder {
	return ref.Reference{Host: of.Host, Repository: of.Path}.Parent()
}

// Hosts are the vendors' registries, each once, in order.
func Hosts(rules []Rule) []string {
	var all []string
	for _, r := range rules {
		all = append(all, r.Vendor.Host)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// prefix is the folder that only has to be put before the vendor's path; false where that does
// not lead to the private one.
func (r Rule) prefix() (string, bool) {
	if r.Vendor.Path == "" {
		return r.Private.Path, true
	}
	if r.Private.Path == r.Vendor.Path {
		return "", true
	}
	return strings.CutSuffix(r.Private.Path, "/"+r.Vendor.Path)
}
