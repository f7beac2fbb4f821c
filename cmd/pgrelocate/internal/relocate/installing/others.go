package installing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

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
