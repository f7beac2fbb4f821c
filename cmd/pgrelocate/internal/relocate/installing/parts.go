package installing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// parts are what is to be done for a release of several charts, in their order: the operator's, and
// then all others but the optional ones that were not copied. Only names one of them, and is that
// one alone; the chart and the values that a user gives are for it, and otherwise for the
// operator's.
func parts(ctx context.Context, subject preparation.Subject, only string, reg verify.Puller) ([]preparation.Subject, error) {
	if only != "" {
		part, err := partNamed(subject, only)
		return []preparation.Subject{part}, err
	}
	all := []preparation.Subject{subject}
	for _, c := range subject.Release.Beside() {
		copied, err := wasCopied(ctx, subject, c, reg)
		if err != nil {
			return nil, err
		}
		if copied || !c.Optional {
			all = append(all, subject.Other(c))
		}
	}
	return all, nil
}

// partNamed is the one chart of a release that somebody named.
func partNamed(subject preparation.Subject, name string) (preparation.Subject, error) {
	var have []string
	for i, c := range subject.Release.Charts {
		have = append(have, c.Name)
		switch {
		case c.Name != name:
		case i == 0:
			return subject, nil
		default:
			part := subject.Other(c)
			part.Chart, part.User = subject.Chart, subject.User
			return part, nil
		}
	}
	return subject, exit.Usagef("%s is no chart of %s; it has %s", name, subject.Release.Name, strings.Join(have, ", "))
}

// wasCopied tells whether the private registry has a chart of the release.
func wasCopied(ctx context.Context, subject preparation.Subject, c versions.Chart, reg verify.Puller) (bool, error) {
	at := slices.IndexFunc(subject.Artifacts, func(a versions.Artifact) bool { return a.Role == versions.RoleChart && a.Name == c.Name })
	if at < 0 {
		return false, nil
	}
	target := subject.Artifacts[at].Target
	_, err := reg.Resolve(ctx, target.Repository, target.Tag)
	if errors.Is(err, registry.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// installOthers installs the charts beside the operator's, with what the catalogue says of them.
func (i *installing) installOthers(ctx context.Context) error {
	for _, part := range i.others {
		i.Note("installing chart %s as helm release %s", part.Part, part.HelmRelease)
		opts := i.Run
		opts.Subject, opts.InstanceNamespaces = part, nil
		outcome, err := install.Run(ctx, opts)
		if err != nil {
			return fmt.Errorf("chart %s: %w", part.Part, err)
		}
		i.beside = append(i.beside, outcome)
	}
	return i.tellLeftBehind(ctx)
}

// tellLeftBehind warns of charts that are installed, and stay as they are, for this release's was
// not copied.
func (i *installing) tellLeftBehind(ctx context.Context) error {
	if i.Only != "" || i.Run.DryRun {
		return nil
	}
	for _, c := range i.Run.Subject.Release.Beside() {
		if slices.ContainsFunc(i.others, func(s preparation.Subject) bool { return s.Part == c.Name }) {
			continue
		}
		releases, err := helm.Open(ctx, i.Run.Cluster, i.Run.Subject.Namespace, nil)
		if err != nil {
			return err
		}
		if last, err := releases.Last(c.HelmRelease); err == nil && !last.Gone() {
			i.Warn(fmt.Sprintf("helm release %s stays as it is, %s: the chart %s of %s was not copied", c.HelmRelease, last.Chart, c.Name, i.Run.Subject.Release.Name))
		}
	}
	return nil
}

// verifyOthers holds the charts beside the operator's against the cluster, those that are there.
func (v *verifying) verifyOthers(ctx context.Context, opts verify.Options) error {
	opts.Offers, opts.Namespaces = nil, nil // they are the operator's
	for _, name := range v.product.HelmReleasesBeside() {
		opts.HelmRelease = name
		check, err := verify.Run(ctx, opts)
		if errors.Is(err, verify.ErrNotInstalled) {
			continue
		}
		if err != nil {
			return fmt.Errorf("helm release %s: %w", name, err)
		}
		check.Namespaces = nil
		v.verified.Others = append(v.verified.Others, check)
	}
	return nil
}

// uninstallOthers removes what was installed beside the operator's chart, the last first. What is
// in use refuses before anything is removed.
func uninstallOthers(ctx context.Context, opts install.UninstallOptions) ([]*install.Removal, error) {
	var removed []*install.Removal
	for _, name := range slices.Backward(opts.Product.HelmReleasesBeside()) {
		opts.HelmRelease = name
		removal, err := install.Uninstall(ctx, opts)
		var none *install.NoReleaseError
		if errors.As(err, &none) {
			continue
		}
		if err != nil {
			return removed, err
		}
		removed = append(removed, removal)
	}
	return removed, nil
}
