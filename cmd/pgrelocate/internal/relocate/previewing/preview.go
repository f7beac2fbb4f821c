// Package previewing holds the use case that says what an upgrade would change, and changes nothing.
package previewing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/difference"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// Options are what a preview takes besides the settings.
type Options struct {
	// From and To are releases; an empty To is the newest known one.
	From, To    string
	Destination reaching.Destination
	// NoCluster asks no cluster.
	NoCluster bool
}

// Preview is what an upgrade from one release to another would change.
type Preview struct {
	Product  *versions.Product
	From, To string
	// Offers are what users can pick that is not in both releases, or has another version.
	Offers []OfferChange
	// Asked says that a cluster was asked who uses what vanishes.
	Asked bool
	// Definitions are the CRDs that change.
	Definitions []difference.Definition
	// Added and Removed are images, as the vendor names them.
	Added, Removed []string
	// Plan is what a copy of the new release would move; nil without a private registry.
	Plan *copying.Planned
}

// OfferChange is what becomes of something that users can pick.
type OfferChange struct {
	Name   string
	Change difference.Change
	// Version is the PostgreSQL version, Before what it was where that changes.
	Version, Before string
	// UsedBy are the databases that name it, of one that vanishes.
	UsedBy []cluster.Instance

	image ref.Reference
}

// isNamedBy tells whether a string of a database's is the name, or the image, which the database
// takes from wherever it was relocated to.
func (c OfferChange) isNamedBy(text string) bool {
	if text == c.Name {
		return true
	}
	image, err := ref.ParseImage(text)
	return err == nil && c.isImage(image)
}

func (c OfferChange) isImage(image ref.Reference) bool {
	return c.image.Tag != "" && image.Tag == c.image.Tag && path.Base(image.Repository) == path.Base(c.image.Repository)
}

// Upgrade compares two releases by their charts, as their vendor made them, and looks who in the
// cluster uses what the newer one does not have. Nothing is changed anywhere.
func Upgrade(ctx context.Context, s *relocate.Session, opts Options) (*Preview, error) {
	p := &previewing{Session: s, asked: opts, made: &Preview{}}
	err := relocate.Run(ctx,
		p.choose,    // both releases, which may be at the source alone
		p.render,    // their charts
		p.compare,   // what they offer, define and run
		p.askUsers,  // who uses what vanishes
		p.planBytes, // what a copy would move
	)
	if err != nil {
		return nil, err
	}
	return p.made, nil
}

// previewing is a preview that is being made.
type previewing struct {
	*relocate.Session
	asked    Options
	from, to previewed
	made     *Preview
}

// previewed is one of the two releases.
type previewed struct {
	release   *versions.Release
	rendering *chart.Rendering
	offers    []learning.Offer
}

func (p *previewing) choose(ctx context.Context) error {
	if err := discovery.Learn(ctx, p.Session, slices.DeleteFunc([]string{p.asked.From, p.asked.To}, func(name string) bool { return name == "" })); err != nil {
		return err
	}
	var err error
	if p.made.Product, err = p.Product(); err != nil {
		return err
	}
	if p.from.release, err = p.made.Product.Release(p.asked.From); err != nil {
		return relocate.Unknown(err)
	}
	if p.to.release, err = p.made.Product.Release(p.asked.To); err != nil {
		return relocate.Unknown(err)
	}
	p.made.From, p.made.To = p.from.release.Name, p.to.release.Name
	if releasename.Compare(p.made.To, p.made.From) < 0 {
		p.Warn(fmt.Sprintf("%s is older than %s: install does not go back to it unless that is allowed", p.made.To, p.made.From))
	}
	return nil
}

func (p *previewing) render(ctx context.Context) error {
	l, err := discovery.NewLooker(p.Session)
	if err != nil {
		return err
	}
	p.Note("comparing the charts of %s and %s", p.made.From, p.made.To)
	for _, s := range []*previewed{&p.from, &p.to} {
		charts, err := l.Charts(ctx, s.release.Name)
		if err != nil {
			return err
		}
		s.rendering = &chart.Rendering{}
		for _, packed := range charts {
			rendering, err := discovery.RenderPlain(ctx, l.Session, packed)
			if err != nil {
				return fmt.Errorf("looking into the chart of %s: %w", s.release.Name, err)
			}
			s.rendering = s.rendering.With(rendering.Objects...)
		}
		s.offers = discovery.OffersIn(s.rendering, p.made.Product.Cluster.Offers)
	}
	return nil
}

func (p *previewing) compare(context.Context) error {
	if len(p.from.offers)+len(p.to.offers) == 0 { // what users pick is in no chart of this product
		p.from.offers, p.to.offers = instancesAsOffers(p.from.release), instancesAsOffers(p.to.release)
	}
	p.made.Offers = compareOffers(p.from.offers, p.to.offers)
	p.made.Definitions = difference.Definitions(p.from.rendering, p.to.rendering)
	before, after := p.imagesOf(p.from), p.imagesOf(p.to)
	p.made.Added, p.made.Removed = without(after, before), without(before, after)
	return nil
}

// imagesOf are all images of a release: those of the catalogue, and what its chart names.
func (p *previewing) imagesOf(s previewed) []string {
	var all []string
	for _, image := range s.release.Images {
		all = append(all, image.Vendor().String())
	}
	for _, image := range naming.ImagesOf(s.rendering, naming.OriginOf(nil, p.made.Product.Releases...)) {
		all = append(all, image.Ref.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// askUsers leaves Asked false where no cluster is named.
func (p *previewing) askUsers(ctx context.Context) error {
	if p.asked.NoCluster {
		return nil
	}
	c, err := reaching.Connect(ctx, p.Session, p.asked.Destination)
	if errors.Is(err, cluster.ErrNoKubeconfig) && p.asked.Destination.Kubeconfig == "" {
		p.Warn("there is no kubeconfig: no cluster is asked who uses what vanishes")
		return nil
	}
	if err != nil {
		return err
	}
	kinds := traits.Databases(p.made.Product)
	if len(kinds) == 0 {
		kinds = cluster.Defined(p.from.rendering.Objects)
	}
	entries, err := p.entriesIn(ctx, c)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		p.Warn("what databases pick from cannot be listed; those that name it with a version are not told of: " + err.Error())
	}
	var vanishing []cluster.Named
	for _, offer := range p.made.Offers {
		if offer.Change == difference.Removed {
			vanishing = append(vanishing, cluster.Named{Name: offer.Name, Is: offer.isNamedBy, Refers: entries.refersTo(offer)})
		}
	}
	uses, err := c.Uses(ctx, kinds, vanishing)
	if err != nil {
		return err
	}
	p.made.Asked = true
	for i := range p.made.Offers {
		if offer := &p.made.Offers[i]; offer.Change == difference.Removed {
			offer.UsedBy = uses[offer.Name]
		}
	}
	return nil
}

func (p *previewing) planBytes(ctx context.Context) (err error) {
	if p.Config.Registry.IsZero() {
		return nil
	}
	p.Config.Releases = []string{p.made.To}
	p.made.Plan, err = copying.Plan(ctx, p.Session, copying.PlanOptions{})
	return err
}

// compareOffers says what is in one of two lists alone, or has another version, newest names last.
func compareOffers(before, after []learning.Offer) []OfferChange {
	old, new := byKey(before), byKey(after)
	var all []OfferChange
	for name, offer := range old {
		now, stays := new[name]
		switch {
		case !stays:
			all = append(all, OfferChange{Name: name, Change: difference.Removed, Version: offer.Version, image: offer.Image})
		case now.Version != offer.Version:
			all = append(all, OfferChange{Name: name, Change: difference.Changed, Version: now.Version, Before: offer.Version})
		}
	}
	for name, offer := range new {
		if _, was := old[name]; !was {
			all = append(all, OfferChange{Name: name, Change: difference.Added, Version: offer.Version})
		}
	}
	slices.SortFunc(all, func(a, b OfferChange) int {
		return cmp.Or(strings.Compare(string(a.Change), string(b.Change)), strings.Compare(b.Name, a.Name))
	})
	return all
}

// byKey tells offers apart: entries of one object by their version, for their places change.
func byKey(offers []learning.Offer) map[string]learning.Offer {
	all := map[string]learning.Offer{}
	for _, offer := range offers {
		if object, _, entry := strings.Cut(offer.Name, " "); entry {
			offer.Name = object + " " + offer.Version
		}
		all[offer.Name] = offer
	}
	return all
}

// instancesAsOffers are a release's images for databases by what users call them.
func instancesAsOffers(r *versions.Release) []learning.Offer {
	var all []learning.Offer
	for _, image := range r.Instances() {
		name := cmp.Or(image.Called, image.Tag)
		all = append(all, learning.Offer{Name: name, Version: image.Version.String(), Image: image.Vendor()})
	}
	return all
}

func without(all, others []string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return slices.Contains(others, s) })
}
