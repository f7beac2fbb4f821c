// Package compile works catalogue files out: Product turns what they say of a product into its
// releases, image by image, and finds every mistake in them, with its place. A Draft is one
// release under way, for those who work out what a release that no file has would be.
package compile

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// releasePattern is what can be a release: a tag with a number in it.
var releasePattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._+-]{0,127}$`)

// Product checks all that is said of a product and works it out into releases.
func Product(said schema.Merged) (*versions.Product, error) {
	spec := said.Product
	if !schema.IsName(spec.Product) {
		return nil, fmt.Errorf("product: %s is no name; use small letters, digits and hyphens", ref.Quote(spec.Product))
	}
	if err := ref.CheckRepository("", spec.Target); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if len(spec.Releases) == 0 {
		return nil, errors.New("releases: there is none")
	}
	if err := checkTexts(spec); err != nil {
		return nil, err
	}
	c := compiler{spec: spec, registries: map[string]ref.Folder{}}
	if err := c.readRegistries(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Shapes)) {
		if err := c.checkShape(name, spec.Shapes[name]); err != nil {
			return nil, fmt.Errorf("shapes.%s: %w", name, err)
		}
	}
	p := &versions.Product{
		Name:   spec.Product,
		Title:  cmp.Or(spec.Title, spec.Product),
		Notice: spec.Notice,
		Target: spec.Target,
		Spec:   said,
	}
	var err error
	if p.Cluster, err = clusterOf(spec); err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	if p.Accept, err = acceptedOf(spec.Accept); err != nil {
		return nil, fmt.Errorf("accept: %w", err)
	}
	if err := c.checkDiscover(); err != nil {
		return nil, fmt.Errorf("discover: %w", err)
	}
	return p, c.releases(p)
}

// checkTexts wants what people are told to be one line: another would read as one of the
// program's own.
func checkTexts(spec schema.Product) error {
	texts := map[string]string{"title": spec.Title, "notice": spec.Notice}
	for name, release := range spec.Releases {
		texts["releases."+name+".note"] = release.Note
	}
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		if strings.ContainsFunc(texts[key], unicode.IsControl) {
			return fmt.Errorf("%s: it has to be one line of text", key)
		}
	}
	return nil
}

// releases works the releases out, newest first.
func (c *compiler) releases(p *versions.Product) error {
	for _, name := range slices.Sorted(maps.Keys(c.spec.Releases)) {
		r, err := c.release(name, c.spec.Releases[name])
		if err != nil {
			return fmt.Errorf("releases.%s: %w", name, err)
		}
		p.Releases = append(p.Releases, r)
	}
	slices.SortStableFunc(p.Releases, func(a, b *versions.Release) int { return releasename.Compare(b.Name, a.Name) })
	for i := 1; i < len(p.Releases); i++ {
		if a, b := p.Releases[i-1].Name, p.Releases[i].Name; releasename.Same(a, b) {
			return fmt.Errorf("releases.%s: it is there as %s too", a, b)
		}
	}
	return nil
}

// clusterOf is what a product is in a cluster, with what is usual where nothing is said.
func clusterOf(spec schema.Product) (versions.Cluster, error) {
	var given schema.Cluster
	if spec.Cluster != nil {
		given = *spec.Cluster
	}
	c := versions.Cluster{
		Namespace:   cmp.Or(given.Namespace, spec.Product+"-system"),
		HelmRelease: cmp.Or(given.HelmRelease, spec.Product),
		PullSecret:  given.PullSecret,
	}
	if err := checkClusterNames(given); err != nil {
		return c, err
	}
	var err error
	if c.Databases, err = kindsOf(given.Databases, false); err != nil {
		return c, fmt.Errorf("databases: %w", err)
	}
	if c.Offers, err = kindsOf(given.Offers, true); err != nil {
		return c, fmt.Errorf("offers: %w", err)
	}
	if given.Probe != nil {
		probe, ok := given.Probe.(map[string]any)
		if !ok || probe["apiVersion"] == nil || probe["kind"] == nil {
			return c, errors.New("probe: it needs apiVersion and kind")
		}
		c.Probe = probe
	}
	c.Requires, err = requiresOf(given.Requires, spec.Product)
	return c, err
}

// dnsName is what Kubernetes takes for the names of namespaces, secrets and helm releases, each up to a
// length of its own.
var dnsName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

// checkClusterNames finds names that no cluster takes, before an install does.
func checkClusterNames(c schema.Cluster) error {
	for _, n := range []struct {
		key, name string
		most      int
		dots      bool
	}{
		{"namespace", c.Namespace, 63, false}, {"helmRelease", c.HelmRelease, 53, true}, {"pullSecret", c.PullSecret, 253, true},
	} {
		if n.name != "" && (len(n.name) > n.most || !dnsName.MatchString(n.name) || !n.dots && strings.Contains(n.name, ".")) {
			return fmt.Errorf("%s: %s is no name for one; use small letters, digits and hyphens, %d at most", n.key, ref.Quote(n.name), n.most)
		}
	}
	return nil
}

// checkPaths wants paths in objects to have no empty elements, and to go through one list at most.
func checkPaths(k schema.Kind) error {
	for key, path := range map[string]string{"image": k.Image, "version": k.Version} {
		if path == "" {
			continue
		}
		if strings.Count(path, "[*]") > 1 {
			return fmt.Errorf("%s: %s: it goes through more than one list", key, ref.Quote(path))
		}
		if slices.Contains(strings.Split(strings.Replace(path, "[*]", "", 1), "."), "") {
			return fmt.Errorf("%s: %s has an empty element", key, ref.Quote(path))
		}
	}
	return nil
}

// requiresOf are the products that one, or one of its charts, requires.
func requiresOf(specs []schema.Requires, product string) ([]string, error) {
	var names []string
	for _, required := range specs {
		if !schema.IsName(required.Product) {
			return nil, fmt.Errorf("requires: product: %s is no name of a product", ref.Quote(required.Product))
		}
		if required.Product == product || slices.Contains(names, required.Product) {
			return nil, fmt.Errorf("requires: product: %s is the product itself, or stands there twice", required.Product)
		}
		names = append(names, required.Product)
	}
	return names, nil
}

func kindsOf(specs []schema.Kind, needImage bool) ([]versions.Kind, error) {
	var kinds []versions.Kind
	for _, spec := range specs {
		switch {
		case spec.Group == "" || spec.Kind == "":
			return nil, errors.New("each needs a group and a kind")
		case needImage && spec.Image == "":
			return nil, fmt.Errorf("%s: image: it is missing; write the path of the images, spec.images[*].image", spec.Kind)
		}
		if err := checkPaths(spec); err != nil {
			return nil, fmt.Errorf("%s: %w", spec.Kind, err)
		}
		kinds = append(kinds, versions.Kind(spec))
	}
	return kinds, nil
}

func acceptedOf(specs []schema.Accept) ([]versions.Accept, error) {
	var all []versions.Accept
	for _, spec := range specs {
		if spec.Kind == "" || spec.Path == "" || spec.Why == "" {
			return nil, errors.New("each needs a kind, a path, and why")
		}
		spec.Name = cmp.Or(spec.Name, "*")
		all = append(all, versions.Accept(spec))
	}
	return all, nil
}

type compiler struct {
	spec       schema.Product
	registries map[string]ref.Folder
	images     int // of all releases so far
}

func (c *compiler) readRegistries() error {
	for _, name := range slices.Sorted(maps.Keys(c.spec.Registries)) {
		r, err := ref.ParseFolder(c.spec.Registries[name])
		if err != nil {
			return fmt.Errorf("registries.%s: %w", name, err)
		}
		c.registries[name] = r
	}
	return nil
}

// registry finds a registry by the first name that is given.
func (c *compiler) registry(names ...string) (string, ref.Folder, error) {
	name := cmp.Or(names...)
	if name == "" {
		return "", ref.Folder{}, errors.New("registry: it is missing; name one of registries")
	}
	r, ok := c.registries[name]
	if !ok {
		return "", r, fmt.Errorf("registry: %w", suggest.Unknown(name, "one of registries", slices.Sorted(maps.Keys(c.registries))))
	}
	return name, r, nil
}

// shapeOf is the shape that a release names, or the only one.
func (c *compiler) shapeOf(spec schema.Release) (schema.Shape, error) {
	known := slices.Sorted(maps.Keys(c.spec.Shapes))
	if spec.Shape == "" && len(known) == 1 {
		return c.spec.Shapes[known[0]], nil
	}
	shape, ok := c.spec.Shapes[spec.Shape]
	if !ok {
		return shape, fmt.Errorf("shape: %w", suggest.Unknown(spec.Shape, "one of shapes", known))
	}
	return shape, nil
}

// checkDiscover wants every image and chart that is named to be one of a shape.
func (c *compiler) checkDiscover() error {
	if c.spec.Discover == nil {
		return nil
	}
	var have []string
	for _, shape := range c.spec.Shapes {
		for _, image := range shape.Images {
			have = append(have, image.Name)
		}
		for _, chart := range shape.Charts {
			have = append(have, chart.Name)
		}
	}
	slices.Sort(have)
	for _, name := range c.spec.Discover.Images {
		if !slices.Contains(have, name) {
			return fmt.Errorf("images: %w", suggest.Unknown(name, "an image or a chart of a shape", slices.Compact(have)))
		}
	}
	return nil
}
