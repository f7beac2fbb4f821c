package versions

import "slices"

// Requires are the products that what is selected does not work without, by name: those that its
// product requires, and then those of its charts, in their order.
func (s Selection) Requires(c *Catalogue) ([]string, error) {
	s.Sources = nil // which may be of what is required
	product, _, chosen, err := s.from(c)
	if err != nil {
		return nil, err
	}
	all := slices.Clone(product.Cluster.Requires)
	for _, r := range chosen {
		for _, chart := range r.Charts {
			if chart.Tag != "" {
				all = withNew(all, chart.Requires)
			}
		}
	}
	return all, nil
}

// Required are the products that it requires, or any chart of any of its releases, by name.
func (p *Product) Required() []string {
	all := slices.Clone(p.Cluster.Requires)
	for _, r := range p.Releases {
		for _, chart := range r.Charts {
			all = withNew(all, chart.Requires)
		}
	}
	return all
}

// ChartsRequiring are the charts of any of its releases, by name, that require a product.
func (p *Product) ChartsRequiring(product string) []string {
	var all []string
	for _, r := range p.Releases {
		for _, chart := range r.Charts {
			if slices.Contains(chart.Requires, product) {
				all = withNew(all, []string{chart.Name})
			}
		}
	}
	return all
}

// withNew is a list with those of another that are not in it.
func withNew(all, more []string) []string {
	for _, name := range more {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}
