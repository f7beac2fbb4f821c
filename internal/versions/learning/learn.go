package learning

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/compile"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
	"github.com/pgrelocate/pgrelocate/internal/versions/schema"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
)

// UndeterminedError says that it cannot be found out what belongs to a release.
type UndeterminedError struct {
	Release string
	Err     error
}

// Error says which release, and why.
func (e *UndeterminedError) Error() string {
	return fmt.Sprintf("what belongs to %s cannot be determined: %v", e.Release, e.Err)
}

// Unwrap returns the reason.
func (e *UndeterminedError) Unwrap() error { return e.Err }

// Learned is a release that evidence tells of.
type Learned struct {
	*versions.Release
	// File is a catalogue file that adds the release to the product.
	File []byte
	// LeftOut are images of the product, by name, of which nothing says which tag belongs to
	// the release: it is without them.
	LeftOut []string
	// Like is the release whose PostgreSQL images it has, where the product's belong to no release;
	// empty for all others.
	Like string
	// ByChart says that its charts name its PostgreSQL images.
	ByChart bool

	product, about string
	spec           schema.Release
}

// Learn works a release out of evidence, in the shape of the newest known one. What the charts
// offer is what there is; where they offer nothing, or are not to be asked (see Renders), it is what
// the tags say. Nothing is guessed: what the evidence does not say is an *UndeterminedError, or
// stands in LeftOut. About is written at the head of the file.
func Learn(p *versions.Product, e Evidence, about string) (*Learned, error) {
	l := learning{product: p, evidence: e, spec: schema.Release{Shape: p.Spec.Releases[p.Newest().Name].Shape}}
	made, err := l.learn(about)
	if err != nil {
		return nil, &UndeterminedError{Release: e.Release, Err: err}
	}
	return made, nil
}

// learning is a release that is being worked out.
type learning struct {
	product  *versions.Product
	evidence Evidence
	draft    compile.Draft // in the shape of the newest known release
	spec     schema.Release
	points   []Tag // the instances
	leftOut  []string
	like     string // as in Learned
	byChart  bool
}

func (l *learning) learn(about string) (*Learned, error) {
	before := l.product.Spec.Releases[l.product.Newest().Name]
	l.spec.Registry, l.spec.Images = before.Registry, placesOnly(before.Images)
	var err error
	if l.draft, err = compile.NewDraft(l.product.Spec.Product, l.evidence.Release, l.spec); err != nil {
		return nil, err
	}
	if err := l.instances(); err != nil {
		return nil, err
	}
	if err := l.versions(); err != nil {
		return nil, err
	}
	if err := l.others(); err != nil {
		return nil, err
	}
	return l.check(about)
}

// placesOnly are overrides without their tags, which belong to their release.
func placesOnly(overrides map[string]schema.Override) map[string]schema.Override {
	var all map[string]schema.Override
	for name, over := range overrides {
		over.Tag = ""
		if over != (schema.Override{}) {
			if all == nil {
				all = map[string]schema.Override{}
			}
			all[name] = over
		}
	}
	return all
}

// instances finds out which images databases run from.
func (l *learning) instances() error {
	if !slices.ContainsFunc(l.draft.Shape().Images, schema.Image.IsVersioned) {
		return nil
	}
	switch {
	case len(l.evidence.Offers) > 0:
		for _, offer := range l.evidence.Offers {
			point, err := l.offered(offer)
			if err != nil {
				return err
			}
			l.points = append(l.points, point)
		}
		return nil
	case Renders(l.product) && !l.evidence.Charts:
		return errors.New("its chart was not read")
	}
	for _, telling := range TellingOf(l.product) {
		if telling.role != versions.RoleInstance || !telling.TellsReleases() || !telling.TellsVersions() {
			continue
		}
		for _, tag := range telling.Read(l.evidence.Tags[telling.Key()]) {
			if releasename.Same(tag.Release, l.evidence.Release) {
				l.points = append(l.points, tag)
			}
		}
	}
	if len(l.points) > 0 {
		return nil
	}
	if named, err := l.named(); named || err != nil {
		return err
	}
	if l.belong() {
		return errors.New("neither its chart nor the tags say which PostgreSQL versions it has")
	}
	before := l.product.Newest()
	l.like, l.spec.Versions = before.Name, l.product.Spec.Releases[before.Name].Versions
	return nil
}

// belong tells whether the images that databases run from belong to releases: their tags have the
// release, or what each release says for itself.
func (l *learning) belong() bool {
	words := map[string]bool{"release": true}
	for _, release := range l.product.Spec.Releases {
		for name := range release.Vars {
			words[name] = true
		}
	}
	return slices.ContainsFunc(l.draft.Shape().Images, func(s schema.Image) bool {
		return s.IsVersioned() && slices.ContainsFunc(s.Tag.Words(), func(word string) bool { return words[word] })
	})
}

// named are the images that its chart runs databases from, where it names them itself; false where
// it names none.
func (l *learning) named() (bool, error) {
	var own []string
	for _, entry := range l.entries(schema.Image.IsVersioned) {
		own = append(own, entry.Vendor().Canonical().Name())
	}
	for _, image := range l.evidence.Images {
		if !slices.Contains(own, tagOnly(image).Name()) {
			continue
		}
		point, err := l.offered(Offer{Name: image.Tag, Image: image})
		if err != nil {
			return false, err
		}
		if !slices.ContainsFunc(l.points, func(t Tag) bool {
			return t.Tag == point.Tag && t.Version == point.Version && maps.Equal(t.Axes, point.Axes)
		}) {
			l.points = append(l.points, point)
		}
	}
	l.byChart = len(l.points) > 0
	return l.byChart, nil
}

// offered is what the image of an offer is.
func (l *learning) offered(offer Offer) (Tag, error) {
	image := tagOnly(offer.Image)
	for _, entry := range l.entries(schema.Image.IsVersioned) {
		if entry.Vendor().Canonical().Name() != image.Name() {
			continue
		}
		point, ok := entry.read(image.Tag)
		if !ok || entry.TellsReleases() && !releasename.Same(point.Release, l.evidence.Release) {
			continue
		}
		beside, err := postgres.ParseVersion(offer.Version)
		switch {
		case point.Version.IsZero() && err != nil:
			return point, fmt.Errorf("its chart offers %s as %s, which names no PostgreSQL version", image, ref.Quote(offer.Name))
		case point.Version.IsZero():
			point.Version = beside
		case err == nil && beside != point.Version:
			return point, fmt.Errorf("its chart offers %s as PostgreSQL %s, and the tag says %s", image, beside, point.Version)
		}
		return point, nil
	}
	return Tag{}, fmt.Errorf("its chart offers %s, which is none of the images that the catalogue has for %s", image, l.product.Name)
}

// entries are images of the shape that have one name for all releases, whether or not their tags
// tell anything.
func (l *learning) entries(wanted func(schema.Image) bool) []Telling {
	var all []Telling
	for _, image := range l.draft.Shape().Images {
		at, ok := l.draft.ImagesAt(image)
		if ok && wanted(image) && !l.draft.Without(image.Name) {
			all = append(all, imageTelling(l.draft, image, at))
		}
	}
	return all
}

// versions writes the instances as a release's versions, with what each has on the axes.
func (l *learning) versions() error {
	points := map[postgres.Version][]map[string]string{}
	for _, point := range l.points {
		points[point.Version] = append(points[point.Version], point.Axes)
		for name, text := range point.vars {
			if before, known := l.spec.Vars[name]; known && before != text {
				return fmt.Errorf("{%s} is %s in some tags and %s in others", name, before, text)
			}
			if l.spec.Vars == nil {
				l.spec.Vars = map[string]string{}
			}
			l.spec.Vars[name] = text
		}
	}
	shape := l.draft.Shape()
	for _, v := range slices.SortedFunc(maps.Keys(points), postgres.NewestFirst) {
		made := schema.Version{Version: v}
		for _, axis := range slices.Sorted(maps.Keys(shape.Axes)) {
			words := wordsOn(axis, points[v], shape.Axes[axis].Values)
			if len(words) == 0 || slices.Equal(words, shape.Axes[axis].Values) {
				continue
			}
			if made.Axes == nil {
				made.Axes = map[string][]string{}
			}
			made.Axes[axis] = words
		}
		l.spec.Versions = append(l.spec.Versions, made)
	}
	return nil
}

// wordsOn are the words of points on an axis, in the catalogue's order.
func wordsOn(axis string, points []map[string]string, order []string) []string {
	var words []string
	for _, point := range points {
		if word, ok := point[axis]; ok && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a), slices.Index(order, b)), strings.Compare(a, b))
	})
	return words
}

// others finds the tags of the images that belong to no version.
func (l *learning) others() error {
	for _, entry := range l.entries(func(s schema.Image) bool { return !s.IsVersioned() }) {
		tags := l.tagsNamed(entry.Vendor().Canonical().Name())
		usual := entry.tells.ExpandTag(template.Blanks{"release": l.evidence.Release})
		switch {
		case len(tags) > 1 && !slices.Contains(tags, usual):
			return fmt.Errorf("its chart names %s as %s", entry.Repository, strings.Join(tags, " and as "))
		case len(tags) > 1 || slices.Contains(tags, usual):
		case len(tags) == 1:
			l.setTag(entry.Name, tags[0])
		case entry.tells == "":
			l.leftOut = append(l.leftOut, entry.Name)
		default:
			if all, listed := l.evidence.Tags[entry.Key()]; listed && !slices.Contains(all, usual) {
				return fmt.Errorf("there is no %s:%s, and its chart names none", entry.Repository, usual)
			}
		}
	}
	for _, chart := range l.draft.Shape().Charts {
		switch tag := l.evidence.ChartTags[chart.Name]; {
		case chart.Tag != "":
		case tag != "":
			l.setTag(chart.Name, tag)
		case !chart.Optional:
			return fmt.Errorf("nothing says which version of the chart %s it has", chart.Name)
		}
	}
	return nil
}

// tagsNamed are the tags with which the charts name a repository.
func (l *learning) tagsNamed(repository string) []string {
	var tags []string
	for _, image := range l.evidence.Images {
		image = tagOnly(image)
		if image.Name() == repository && image.Tag != "" && !slices.Contains(tags, image.Tag) {
			tags = append(tags, image.Tag)
		}
	}
	return tags
}

func (l *learning) setTag(name, tag string) {
	if l.spec.Tags == nil {
		l.spec.Tags = map[string]template.Template{}
	}
	l.spec.Tags[name] = template.Template(tag)
}

// check writes the file, reads it back, and wants the release in it to be what was found: no
// instance more, and none less.
func (l *learning) check(about string) (*Learned, error) {
	learned := &Learned{
		Release: &versions.Release{Name: l.evidence.Release}, LeftOut: l.leftOut, Like: l.like, ByChart: l.byChart,
		product: l.product.Name, about: about, spec: l.spec,
	}
	file, err := CatalogueFile(learned)
	if err != nil {
		return nil, err
	}
	with, err := catalogue.Merge((&versions.Catalogue{}).With(l.product), "as found", file)
	if err != nil {
		return nil, err
	}
	product, err := with.Product(l.product.Name)
	if err != nil {
		return nil, err
	}
	made, err := product.Release(l.evidence.Release)
	if err != nil {
		return nil, err
	}
	learned.Release, learned.File = made, file
	if l.like != "" {
		return learned, nil
	}
	for _, image := range made.Instances() {
		if !slices.ContainsFunc(l.points, func(t Tag) bool { return t.isOf(image) }) {
			return nil, fmt.Errorf("the versions and editions found do not make up the catalogue's shape: it would have %s too", image.Tag)
		}
	}
	for _, point := range l.points {
		if !slices.ContainsFunc(made.Instances(), point.isOf) {
			return nil, fmt.Errorf("%s does not fit the catalogue's shape", point.Tag)
		}
	}
	return learned, nil
}

// isOf tells whether a tag is that of an image.
func (t Tag) isOf(image versions.Image) bool {
	return t.Tag == image.Tag && t.Version == image.Version && maps.Equal(t.Axes, image.Axes)
}

// CatalogueFile is a catalogue file that adds releases to their product; all are of one.
func CatalogueFile(all ...*Learned) ([]byte, error) {
	written := struct {
		Product  string                    `yaml:"product"`
		Releases map[string]schema.Release `yaml:"releases"`
	}{Releases: map[string]schema.Release{}}
	var out bytes.Buffer
	for _, l := range all {
		written.Product = l.product
		written.Releases[l.Release.Name] = l.spec
		for line := range strings.Lines(l.about) {
			fmt.Fprintf(&out, "# %s\n", strings.TrimSpace(line))
		}
		for _, name := range l.LeftOut {
			fmt.Fprintf(&out, "# Nothing says which tag of %s belongs to it: tags: {%s: …} adds it.\n", name, name)
		}
	}
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(written); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}

// ChartsOf are the charts of a release that the catalogue may lack, as the newest known one has
// them. The tag of one that has none does not follow from the release; where it has a repository,
// the charts there may tell.
func ChartsOf(p *versions.Product, release string) []versions.Chart {
	spec := p.Spec.Releases[p.Newest().Name]
	if known, err := p.Release(release); err == nil && releasename.Same(known.Name, release) {
		return known.Charts
	}
	draft, err := compile.NewDraft(p.Spec.Product, release, schema.Release{
		Shape: spec.Shape, Registry: spec.Registry, Images: placesOnly(spec.Images),
	})
	if err != nil {
		return nil // no product is made of such data
	}
	var all []versions.Chart
	for _, chart := range draft.Shape().Charts {
		made, err := draft.Chart(chart)
		if err != nil || made == nil {
			continue
		}
		if made.Tag == "" && chart.URL == "" {
			made.Location, _ = draft.ChartsAt(chart)
		}
		all = append(all, *made)
	}
	return all
}
