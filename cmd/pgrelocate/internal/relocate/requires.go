package relocate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Prerequisites are the products that the chosen one does not work without.
func (s *Session) Prerequisites(catalogue *versions.Catalogue) ([]*versions.Product, error) {
	product, err := catalogue.Product(s.Config.Product)
	if err != nil {
		return nil, Unknown(err)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Config.Prerequisites.Releases)) {
		if !slices.Contains(product.Cluster.Requires, name) {
			return nil, exit.Usagef("%s is no prerequisite of %s", name, product.Name)
		}
	}
	var all []*versions.Product
	for _, name := range product.Cluster.Requires {
		needed, err := catalogue.Product(name)
		if err != nil {
			return nil, Unknown(fmt.Errorf("%s requires %s: %w", product.Name, name, err))
		}
		all = append(all, needed)
	}
	return all, nil
}

// withPrerequisites adds what the chosen product does not work without to what is selected.
func (s *Session) withPrerequisites(catalogue *versions.Catalogue, selected []versions.Artifact, target ref.Folder) ([]versions.Artifact, error) {
	needed, err := s.Prerequisites(catalogue)
	if err != nil {
		return nil, err
	}
	taken := map[ref.Reference]ref.Reference{}
	for _, a := range selected {
		taken[a.Target] = a.Source
	}
	for _, product := range needed {
		more, err := versions.Select(catalogue, versions.Selection{
			Product: product.Name, Releases: s.ReleaseOfPrerequisite(product), Source: s.Config.Source.Folder, Target: target,
		})
		if err != nil {
			return nil, Unknown(err)
		}
		for _, a := range more {
			if before, ok := taken[a.Target]; ok && before != a.Source {
				return nil, exit.Usagef("%s and %s would both become %s: name a registry without a folder, so that each product has its own", before, a.Source, a.Target)
			}
			taken[a.Target] = a.Source
			selected = append(selected, a)
		}
	}
	return selected, nil
}

// ReleaseOfPrerequisite is the release that was asked for; none is the newest known.
func (s *Session) ReleaseOfPrerequisite(product *versions.Product) []string {
	if release := s.Config.Prerequisites.Releases[product.Name]; release != "" {
		return []string{release}
	}
	return nil
}
