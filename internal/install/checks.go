package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// The steps that only read.

func (i *installation) prepare(ctx context.Context) (string, error) {
	apis, err := i.Cluster.APIVersions(ctx)
	if err != nil {
		return "", err
	}
	if err := i.readRecords(ctx); err != nil {
		return "", err
	}
	if i.Subject.Listed, err = i.listed(ctx); err != nil {
		return "", err
	}
	p, err := preparation.Prepare(ctx, i.Subject, i.Registry, chart.RenderOptions{
		KubeVersion: i.Cluster.Version(), APIVersions: apis, Upgrade: !i.recorded.last.Gone(), Live: i.Cluster.Getter(),
		Confinement: i.Confinement,
	})
	if p != nil {
		for _, notice := range p.Notices {
			i.Hooks.warn(notice)
		}
	}
	if err != nil {
		return "", err
	}
	i.outcome.Prepared = p
	if i.kinds, err = i.recorded.kinds(ctx, i.Cluster, p.Rendering.Objects); err != nil {
		return "", err
	}
	if err := i.sameChart(); err != nil {
		return "", err
	}
	detail := fmt.Sprintf("%s %s, %s, every image below %s", p.Chart.Name(), p.Chart.Version(), english.Plural(len(p.Rendering.Objects), "object", ""), p.Target)
	if p.Accepted > 0 {
		detail += fmt.Sprintf(", %s accepted", english.Plural(p.Accepted, "place", ""))
	}
	return detail, helm.CheckSize(p.Chart, p.Values, p.Rendering)
}

// listed are the images that the product's catalogs list in the cluster, where they are this
// release's.
func (i *installation) listed(ctx context.Context) ([]ref.Reference, error) {
	var all []ref.Reference
	for _, offer := range i.Subject.Product.Cluster.Offers {
		mapping, known, err := i.Cluster.Serves(ctx, schema.GroupKind{Group: offer.Group, Kind: offer.Kind})
		if err != nil {
			return nil, err
		}
		if !known || !offer.IsList() {
			continue
		}
		found, err := i.Cluster.List(ctx, mapping.Resource, "", metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for _, object := range found {
			if cluster.OwnerOf(&object) != i.owner() {
				continue
			}
			for _, text := range offer.Texts(object.Object, offer.Image) {
				if image, err := ref.ParseImage(text); err == nil {
					all = append(all, image.Tagged())
				}
			}
		}
	}
	return all, nil
}

// readRecords also refuses early where another run is under way. That it may not be read is for
// the next step to say, with everything else that is not allowed.
func (i *installation) readRecords(ctx context.Context) error {
	var err error
	i.recorded, err = readRecords(ctx, i.Cluster, i.owner())
	if errors.Is(err, cluster.ErrDenied) && !errors.Is(err, cluster.ErrUnauthenticated) {
		i.unread = err
		return nil
	}
	if err != nil {
		return err
	}
	return i.recorded.last.Busy()
}

func (i *installation) images(ctx context.Context) (string, error) {
	p := i.outcome.Prepared
	var err error
	if i.pull, err = i.Dial(i.Subject.Target.Host, i.Credentials); err != nil {
		return "", err
	}
	known := len(p.Notices)
	if err := p.Resolve(ctx, i.pull); err != nil {
		return "", err
	}
	for _, notice := range p.Notices[known:] {
		i.Hooks.warn(notice)
	}
	if err := i.unmirrored(ctx, p); err != nil {
		return "", err
	}
	i.warnOfPush(ctx, p)
	resolved := 0
	for _, image := range p.Images {
		if image.Digest != "" {
			resolved++
		}
	}
	return fmt.Sprintf("%d of %d resolve in %s with the pull credentials", resolved, len(p.Images), i.Subject.Target), nil
}

// unmirrored leaves out what could be picked and not pulled, or tells of it, as the options say.
func (i *installation) unmirrored(ctx context.Context, p *preparation.Prepared) error {
	if len(p.Unmirrored) == 0 {
		return nil
	}
	if i.Strict {
		return &UnmirroredError{Versions: p.Unmirrored}
	}
	var inUse []string
	if i.OnlyMirrored {
		var err error
		if inUse, err = i.inUse(ctx, p); err != nil {
			return err
		}
		p.OnlyMirrored(inUse)
		inUse = append(inUse, p.NamesFor(inUse)...)
	}
	if len(p.LeftOut) > 0 {
		i.Hooks.warnOf("left out, for their image was not relocated: "+strings.Join(p.LeftOut, ", "), preparation.ErrNotMirrored)
	}
	if kept := in(inUse, p.Unmirrored); len(kept) > 0 {
		i.Hooks.warn("kept, for databases use them or a catalog of the cluster has them already, although their image is not in the registry: " + strings.Join(kept, ", "))
	}
	if rest := notIn(inUse, p.Unmirrored); len(rest) > 0 {
		i.Hooks.warn(fmt.Sprintf("%s can be picked but not pulled, for their image was not relocated: %s", english.Plural(len(rest), "version", ""), strings.Join(rest, ", ")))
	}
	return nil
}

// inUse are the versions that databases of the cluster use, and the images that a catalog of
// it has already: taking those away would break what works.
func (i *installation) inUse(ctx context.Context, p *preparation.Prepared) ([]string, error) {
	kinds := traits.DatabasesIn(p.Product, i.Subject.HelmRelease, i.kinds)
	versions, err := i.Cluster.InUse(ctx, kinds, p.Unmirrored)
	if err != nil {
		return nil, err
	}
	images, err := i.Cluster.InUse(ctx, traits.Catalogs(p.Offers), p.Missing())
	return append(versions, images...), err
}

// in and notIn are those of some names that are, or are not, among others.
func in(others, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(others, name) })
}

func notIn(others, names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return slices.Contains(others, name) })
}

// warnOfPush is a warning and no more: what cannot be found out is left unsaid.
func (i *installation) warnOfPush(ctx context.Context, p *preparation.Prepared) {
	for _, image := range p.Images {
		if image.Needed && image.Digest != "" && !i.Credentials.IsZero() {
			if push, err := i.pull.MayPush(ctx, image.Ref.Repository); err == nil && push {
				i.Hooks.warnOf(ErrMayPush.Error(), ErrMayPush)
			}
			return
		}
	}
}
