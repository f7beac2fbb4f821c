package versions

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/Masterminds/semver/v3"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)

// compile checks a product's whole spec and works it out into releases.
func compile(spec productSpec) (*Product, error) {
	if !namePattern.MatchString(spec.Product) {
		return nil, fmt.Errorf("product: %s is no name; use small letters, digits and hyphens", ref.Quote(spec.Product))
	}
	if err := ref.CheckRepository("", spec.Target); err != nil {
		return nil, fmt.Errorf("target: %w", err)
	}
	if len(spec.Releases) == 0 {
		return nil, errors.New("releases: there is none")
	}
	c := compiler{spec: spec, registries: map[string]ref.Folder{}}
	if err := c.readRegistries(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Shapes)) {
		if err := c.checkShape(spec.Shapes[name]); err != nil {
			return nil, fmt.Errorf("shapes.%s: %w", name, err)
		}
	}
	p := &Product{
		Name:   spec.Product,
		Title:  cmp.Or(spec.Title, spec.Product),
		Notice: spec.Notice,
		Target: spec.Target,
		spec:   spec,
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Releases)) {
		r, err := c.release(name, spec.Releases[name])
		if err != nil {
			return nil, fmt.Errorf("releases.%s: %w", name, err)
		}
		p.Releases = append(p.Releases, r)
	}
	slices.SortStableFunc(p.Releases, func(a, b *Release) int { return compareReleases(b.Name, a.Name) })
	for i := 1; i < len(p.Releases); i++ {
		if a, b := p.Releases[i-1].Name, p.Releases[i].Name; withoutV(a) == withoutV(b) {
			return nil, fmt.Errorf("releases.%s: it is there as %s too", a, b)
		}
	}
	return p, nil
}

// compareReleases orders releases as semantic versions; compile has checked that they are.
func compareReleases(a, b string) int {
	x, errX := semver.NewVersion(a)
	y, errY := semver.NewVersion(b)
	if errX != nil || errY != nil {
		return cmp.Compare(a, b)
	}
	return x.Compare(y)
}

type compiler struct {
	spec       productSpec
	registries map[string]ref.Folder
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
func (c *compiler) registry(names ...string) (ref.Folder, error) {
	name := cmp.Or(names...)
	if name == "" {
		return ref.Folder{}, errors.New("registry: it is missing; name one of registries")
	}
	r, ok := c.registries[name]
	if !ok {
		return r, fmt.Errorf("registry: %w", unknown(name, "one of registries", slices.Sorted(maps.Keys(c.registries))))
	}
	return r, nil
}

// release works one release out of its shape.
func (c *compiler) release(name string, spec releaseSpec) (*Release, error) {
	if _, err := semver.NewVersion(name); err != nil {
		return nil, errors.New("it is no release; write it as v4.3.1")
	}
	shape, ok := c.spec.Shapes[spec.Shape]
	if !ok {
		return nil, fmt.Errorf("shape: %w", unknown(spec.Shape, "one of shapes", slices.Sorted(maps.Keys(c.spec.Shapes))))
	}
	if err := checkTags(shape, spec.Tags); err != nil {
		return nil, err
	}
	b := releaseBuilder{compiler: c, name: name, spec: spec, shape: shape}
	return b.build()
}

// releaseBuilder makes the images of one release.
type releaseBuilder struct {
	*compiler
	name  string
	spec  releaseSpec
	shape shapeSpec
}

func (b releaseBuilder) build() (*Release, error) {
	r := &Release{Name: b.name, Note: b.spec.Note}
	var err error
	if r.Chart, err = b.optional("chart", b.shape.Chart); err != nil {
		return nil, err
	}
	if r.Operator, err = b.optional("operator", b.shape.Operator); err != nil {
		return nil, err
	}
	if r.Instances, err = b.instances(); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(b.shape.Extras)) {
		spec := b.shape.Extras[name]
		image, err := b.optional(name, &spec)
		if err != nil {
			return nil, err
		}
		if image != nil {
			r.Extras = append(r.Extras, Extra{Image: *image, Name: name})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b.shape.Values)) {
		v := b.shape.Values[key]
		r.Values = append(r.Values, Value{Path: splitKey(key), Image: v.Image, Form: v.Form, PullSecret: v.PullSecret})
	}
	return r, checkTargets(r)
}

// checkTargets refuses two artifacts that would become one at the target, where what counts is
// the repository below its registry, and the tag.
func checkTargets(r *Release) error {
	taken := map[ref.Reference]Image{}
	for _, image := range r.Images() {
		target := ref.Reference{Repository: image.Repository, Tag: image.Tag}
		if before, ok := taken[target]; ok {
			return fmt.Errorf("%s and %s would both become %s at the target; one of them needs another repository or tag",
				before.Source(ref.Folder{}), image.Source(ref.Folder{}), target)
		}
		taken[target] = image
	}
	return nil
}

// optional makes an image, or nil where neither shape nor release gives it a tag.
func (b releaseBuilder) optional(name string, spec *imageSpec) (*Image, error) {
	if spec == nil {
		return nil, nil
	}
	tag := cmp.Or(b.spec.Tags[name], spec.Tag)
	if tag == "" {
		return nil, nil
	}
	image, err := b.image(*spec, tag, blank{release: b.name})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &image, nil
}

func (b releaseBuilder) image(spec imageSpec, tag template, fill blank) (Image, error) {
	registry, err := b.registry(spec.Registry, b.spec.Registry, b.shape.Registry)
	if err != nil {
		return Image{}, err
	}
	image := Image{Registry: registry, Repository: spec.Repository, Tag: tag.expandTag(fill)}
	return image, ref.CheckTag(image.Tag)
}

// instances is the matrix: every version in every edition that it exists in.
func (b releaseBuilder) instances() ([]Instance, error) {
	if (len(b.shape.Instances) == 0) != (len(b.spec.Versions) == 0) {
		return nil, errors.New("versions: a release has versions if its shape has instances, and only then")
	}
	all := slices.SortedFunc(slices.Values(b.spec.Versions), func(x, y versionSpec) int {
		return newestFirst(x.Version, y.Version)
	})
	var instances []Instance
	for i, v := range all {
		if i > 0 && v.Version == all[i-1].Version {
			return nil, fmt.Errorf("versions: %s is there twice", v.Version)
		}
		made, err := b.editions(v)
		if err != nil {
			return nil, fmt.Errorf("versions.%s: %w", v.Version, err)
		}
		instances = append(instances, made...)
	}
	return instances, nil
}

// editions makes the instances of one version.
func (b releaseBuilder) editions(v versionSpec) ([]Instance, error) {
	var known []string
	var made []Instance
	for _, spec := range b.shape.Instances {
		known = append(known, string(spec.Edition))
		if len(v.Editions) > 0 && !slices.Contains(v.Editions, spec.Edition) {
			continue
		}
		fill := blank{release: b.name, version: v.Version}
		image, err := b.image(imageSpec{Registry: spec.Registry, Repository: spec.Repository}, spec.Tag, fill)
		if err != nil {
			return nil, err
		}
		made = append(made, Instance{Image: image, Version: v.Version, Edition: spec.Edition, Name: spec.Name.expand(fill)})
	}
	for _, e := range v.Editions {
		if !slices.Contains(known, string(e)) {
			return nil, fmt.Errorf("editions: %w", unknown(string(e), "an edition of the release's shape", known))
		}
	}
	return made, nil
}
