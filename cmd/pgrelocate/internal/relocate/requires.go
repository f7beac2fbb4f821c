package relocate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Prerequisites are the products that what is selected does not work without: the chosen product,
// or a chart of it that is taken.
func (s *Session) Prerequisites(catalogue *versions.Catalogue) ([]*versions.Product, error) {
	names, err := s.Selection().Requires(catalogue)
	if err != nil {
		return nil, Unknown(err)
	}
	return s.Required(catalogue, names)
}

// Required are products that the chosen one, or a chart of it, requires, by their names. A release
// that the settings name of what neither requires is refused.
func (s *Session) Required(catalogue *versions.Catalogue, names []string) ([]*versions.Product, error) {
	product, err := catalogue.Product(s.Config.Product)
	if err != nil {
		return nil, Unknown(err)
	}
	known := product.Required()
	for _, name := range slices.Sorted(maps.Keys(s.Config.Prerequisites.Releases)) {
		if !slices.Contains(known, name) {
			return nil, exit.Usagef("%s is no prerequisite of %s", name, product.Name)
		}
	}
	var all []*versions.Product
	for _, name := range names {
		needed, err := catalogue.Product(name)
		if err != nil {
			return nil, Unknown(fmt.Errorf("%s requires %s: %w", product.Name, name, err))
		}
		all = append(all, needed)
	}
	return all, nil
}

// noteNotTaken says what is no prerequisite of what is selected, where somebody asked for it, or
// where nothing is.
func noteNotTaken(product *versions.Product, taken []*versions.Product, asked map[string]string) []string {
	known := product.Required()
	if len(known) == 0 {
		return []string{product.Name + " requires no other product: there is nothing more to take along"}
	}
	var said []string
	for _, name := range known {
		isTaken := slices.ContainsFunc(taken, func(p *versions.Product) bool { return p.Name == name })
		if _, isAsked := asked[name]; isTaken || len(taken) > 0 && !isAsked {
			continue
		}
		said = append(said, fmt.Sprintf("%s is not taken along: of %s only the chart %s requires it, and that is not selected",
			name, product.Name, strings.Join(product.ChartsRequiring(name), " or ")))
	}
	return said
}

// withPrerequisites adds what the chosen product does not work without to what is selected.
func (s *Session) withPrerequisites(catalogue *versions.Catalogue, selected []versions.Artifact, target ref.Folder) ([]versions.Artifact, error) {
	needed, err := s.Prerequisites(catalogue)
	if err != nil {
		return nil, err
	}
	product, err := catalogue.Product(s.Config.Product)
	if err != nil {
		return nil, Unknown(err)
	}
	s.noteOnce(noteNotTaken(product, needed, s.Config.Prerequisites.Releases))
	taken := map[ref.Reference]ref.Reference{}
	for _, a := range selected {
		taken[a.Target] = a.Source
	}
	for _, product := range needed {
		more, err := versions.Select(catalogue, versions.Selection{
			Product: product.Name, Releases: s.ReleaseOfPrerequisite(product), Target: target,
			Source: s.Config.Source.Folder, Sources: thoseOf(product, s.Config.Source.Named),
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

// thoseOf are the sources for registries of a product.
func thoseOf(product *versions.Product, sources map[string]ref.Folder) map[string]ref.Folder {
	own := map[string]ref.Folder{}
	for _, name := range product.Registries() {
		if folder, ok := sources[name]; ok {
			own[name] = folder
		}
	}
	return own
}

// withoutThoseOf are the sources but for those of registries that prerequisites have: the chosen
// product need not know them. One that it knows too is its own as well.
func withoutThoseOf(chosen *versions.Product, needed []*versions.Product, sources map[string]ref.Folder) map[string]ref.Folder {
	left := maps.Clone(sources)
	for _, product := range needed {
		for name := range thoseOf(product, sources) {
			if !slices.Contains(chosen.Registries(), name) {
				delete(left, name)
			}
		}
	}
	return left
}

// ReleaseOfPrerequisite is the release that was asked for; none is the newest known.
func (s *Session) ReleaseOfPrerequisite(product *versions.Product) []string {
	if release := s.Config.Prerequisites.Releases[product.Name]; release != "" {
		return []string{release}
	}
	return nil
}
