package preparation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/chart/rewrite"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Subject is what is to be installed, and where it lies.
type Subject struct {
	Product *versions.Product
	Release *versions.Release
	// Artifacts are all of the release, whatever was relocated, with their targets.
	Artifacts []versions.Artifact
	// Target is the folder in the private registry.
	Target ref.Folder
	// Chart is the chart to use; nil is pulled from the registry.
	Chart *chart.Chart
	// Part is the name of the release's chart that it is about; empty is the operator's. The pull
	// secret belongs to the operator's helm release all the same, which is Operator then.
	Part, Operator string
	// PullSecret is the name of the pull secret; empty puts none into the values.
	PullSecret string
	// User are the user's own values, laid over the rewritten ones.
	User chart.UserValues
	// Offers are the kinds, of whatever product, whose objects are what users pick images from.
	Offers []versions.Kind
	// Prerequisites are all that are known; see traits.Prerequisites.
	Prerequisites []cluster.Prerequisite
	// Accept are the places in the manifests that may name what is not below the target.
	Accept []naming.Accept
	// Listed are images that catalogs of an earlier revision list in the cluster: databases may
	// use them, so that they stay listed although the registry has lost them.
	Listed []ref.Reference
	// HelmRelease and Namespace are where it goes.
	HelmRelease, Namespace string
}

// Values computes the values that name the private registry, and nothing that is not there.
// What the chart has by default is read from the registry's chart, where it has one. Without the
// operator's image there is nothing to install: an *AbsentError. A nil registry takes all to
// be there.
func Values(ctx context.Context, subject Subject, reg verify.Puller, confinement chart.Confinement) (*rewrite.Rewritten, error) {
	if reg == nil {
		return subject.rewrite(nil, nil)
	}
	p := &Prepared{Subject: subject, Chart: subject.Chart}
	p.asked = &presence{registry: reg}
	if subject.Part == "" {
		if err := p.needOperator(ctx); err != nil {
			return nil, err
		}
	}
	defaults, err := p.defaults(ctx, reg, confinement)
	if err != nil && !errors.Is(err, ErrNotMirrored) {
		return nil, err
	}
	return subject.rewrite(defaults, func(a versions.Artifact) (bool, error) { return p.asked.has(ctx, a) })
}

func (s Subject) rewrite(defaults map[string]any, has func(versions.Artifact) (bool, error)) (*rewrite.Rewritten, error) {
	rewrite := rewrite.Rewrite{
		Mapping: s.values(), Artifacts: s.Artifacts, Defaults: defaults, Has: has,
		Listed: s.Listed, Target: s.Target, PullSecret: s.PullSecret,
	}
	if part := s.part(); part != nil {
		rewrite.Objects = part.Objects
	}
	made, err := rewrite.Values()
	if err != nil || has == nil {
		return made, err
	}
	return made, s.rewriteOthers(made, defaults, has)
}

// part is the release's chart that it is about; nil where the release has none.
func (s Subject) part() *versions.Chart {
	for i, c := range s.Release.Charts {
		if c.Name == s.Part || i == 0 && s.Part == "" {
			return &s.Release.Charts[i]
		}
	}
	return nil
}

// values are those of the chart that it is about.
func (s Subject) values() []versions.Value {
	if part := s.part(); part != nil {
		return part.Values
	}
	return nil
}

// Requires are the products that it does not work without, by name: those of the product, and then
// those of the chart.
func (s Subject) Requires() []string {
	all := slices.Clone(s.Product.Cluster.Requires)
	if part := s.part(); part != nil {
		for _, name := range part.Requires {
			if !slices.Contains(all, name) {
				all = append(all, name)
			}
		}
	}
	return all
}

// Other is the subject for another chart of the release, with none of the user's values.
func (s Subject) Other(c versions.Chart) Subject {
	if s.Operator == "" {
		s.Operator = s.HelmRelease
	}
	s.Part, s.HelmRelease, s.Chart, s.User = c.Name, c.HelmRelease, nil, chart.UserValues{}
	return s
}

// rewriteOthers lets the values that name other images, which no catalogue knows, name them at
// the target where that has them: somebody relocated them for that. Where one value moves all
// images of a chart, it moves those too.
func (s Subject) rewriteOthers(made *rewrite.Rewritten, defaults map[string]any, has func(versions.Artifact) (bool, error)) error {
	if slices.ContainsFunc(s.values(), versions.Value.MovesAll) {
		return nil
	}
	origin := naming.OriginOf(s.Artifacts, s.Release)
	for _, named := range naming.NamedIn(defaults, origin) {
		if s.Target.Holds(named.Image) || slices.Contains(origin.Images, named.Image.Canonical()) || named.IsSet(made.Values) {
			continue
		}
		at := origin.Below(s.Target, named.Image)
		held, err := has(versions.Artifact{Role: versions.RoleChartImage, Target: at})
		if err != nil {
			return err
		}
		if held {
			named.Set(made.Values, at)
		}
	}
	return nil
}

// needOperator fails where the operator's image is not in the registry.
func (p *Prepared) needOperator(ctx context.Context) error {
	for _, artifact := range p.Artifacts {
		if artifact.Role != versions.RoleOperator {
			continue
		}
		if has, err := p.asked.has(ctx, artifact); has || err != nil {
			return err
		}
		return &AbsentError{
			Target: p.Target, Product: p.Product.Name, Release: p.Release.Name, Err: ErrNotMirrored,
			Images: []string{fmt.Sprintf("%s: %v", artifact.Target, ErrNotMirrored)},
		}
	}
	return nil
}

// presence asks the private registry what it holds, for everything once.
type presence struct {
	registry verify.Puller
	known    map[ref.Reference]bool
}

func (p *presence) has(ctx context.Context, artifact versions.Artifact) (bool, error) {
	at := artifact.Target
	if held, known := p.known[at]; known {
		return held, nil
	}
	_, err := p.registry.Resolve(ctx, at.Repository, referenceOf(at))
	if err != nil && !errors.Is(err, registry.ErrNotFound) {
		return false, err
	}
	if p.known == nil {
		p.known = map[ref.Reference]bool{}
	}
	p.known[at] = err == nil
	return err == nil, nil
}

// offersOf is all that is known of a kind that users pick images from: some name images in
// several places.
func (s Subject) offersOf(kind schema.GroupKind) []versions.Kind {
	return slices.DeleteFunc(slices.Clone(s.Offers), func(o versions.Kind) bool { return o.Group != kind.Group || o.Kind != kind.Kind })
}
