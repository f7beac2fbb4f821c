package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// The steps that only read.

func (i *installation) prepare(ctx context.Context) (string, error) {
	apis, err := i.Cluster.APIVersions()
	if err != nil {
		return "", err
	}
	last, err := i.lastRelease(ctx)
	if err != nil {
		return "", err
	}
	p, err := Prepare(ctx, i.Subject, i.Registry, chart.RenderOptions{
		KubeVersion: i.Cluster.Version(), APIVersions: apis, Upgrade: last != nil,
	})
	if err != nil {
		return "", err
	}
	i.report.Prepared = p
	for _, notice := range p.Notices {
		i.Hooks.warn(notice)
	}
	return fmt.Sprintf("%s %s, %d objects, none names the source registry", p.Chart.Name(), p.Chart.Version(), len(p.Rendering.Objects)), nil
}

// lastRelease also refuses early where another run is under way.
func (i *installation) lastRelease(ctx context.Context) (*helmrelease.Release, error) {
	h, err := i.Cluster.helm(ctx, i.Subject.Namespace, i.Hooks.waiting)
	if err != nil {
		return nil, err
	}
	last, err := h.last(i.Subject.HelmRelease)
	if err != nil {
		return nil, err
	}
	return last, busy(last)
}

func (i *installation) images(ctx context.Context) (string, error) {
	p := i.report.Prepared
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
	if err := i.unmirrored(p); err != nil {
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

func (i *installation) unmirrored(p *Prepared) error {
	if len(p.Unmirrored) == 0 {
		return nil
	}
	list := strings.Join(p.Unmirrored, ", ")
	switch {
	case i.Strict:
		return withHint(fmt.Errorf("%d versions have no image in the registry: %s: %w", len(p.Unmirrored), list, ErrNotMirrored),
			"relocate them with `pgrelocate copy`, or leave them out with --only-mirrored")
	case i.OnlyMirrored:
		p.OnlyMirrored()
		i.Hooks.warn(fmt.Sprintf("left out, for their image was not relocated: %s", list))
	default:
		i.Hooks.warn(fmt.Sprintf("%d versions can be picked but not pulled, for their image was not relocated: %s", len(p.Unmirrored), list))
	}
	return nil
}

// warnOfPush is a warning and no more: what cannot be found out is left unsaid.
func (i *installation) warnOfPush(ctx context.Context, p *Prepared) {
	for _, image := range p.Images {
		if image.Needed && image.Digest != "" && !i.Credentials.IsZero() {
			if push, err := i.pull.MayPush(ctx, image.Ref.Repository); err == nil && push {
				i.Hooks.warn("the credentials that go into the cluster are allowed to push; better give it read-only ones: --pull-credentials-file")
			}
			return
		}
	}
}

func (i *installation) prerequisites(ctx context.Context) (string, error) {
	p := i.report.Prepared
	if !p.usesCertManager() {
		return "kubernetes " + i.Cluster.Version(), i.Cluster.checkKinds(p)
	}
	namespace := i.Subject.Namespace
	if exists, err := i.Cluster.hasNamespace(ctx, namespace); err != nil {
		return "", err
	} else if !exists {
		namespace = "default"
	}
	if i.DryRun {
		return "kubernetes " + i.Cluster.Version() + ", cert-manager is not asked in a dry run", i.Cluster.checkKinds(p)
	}
	notice, err := i.Cluster.checkCertManager(ctx, namespace)
	if err != nil {
		return "", err
	}
	if err := i.Cluster.checkKinds(p); err != nil {
		return "", err
	}
	if notice != "" {
		i.Hooks.warn(notice)
		return "kubernetes " + i.Cluster.Version(), nil
	}
	return "kubernetes " + i.Cluster.Version() + ", cert-manager answers", nil
}

// allNamespaces are the operator's and those of the instances, each once.
func (i *installation) allNamespaces() []string {
	all := []string{i.Subject.Namespace}
	for _, namespace := range i.InstanceNamespaces {
		if !slices.Contains(all, namespace) {
			all = append(all, namespace)
		}
	}
	return all
}

func (i *installation) permissions(ctx context.Context) (string, error) {
	for _, namespace := range i.allNamespaces() {
		exists, err := i.Cluster.hasNamespace(ctx, namespace)
		if err != nil {
			return "", err
		}
		if !exists {
			i.missing = append(i.missing, namespace)
		}
	}
	wanted := i.Cluster.installPermissions(i.report.Prepared, i.allNamespaces(), i.missing)
	if i.DryRun {
		denied, err := i.Cluster.denied(ctx, wanted)
		for _, permission := range denied {
			i.Hooks.warn("the install itself would need: " + permission.String())
		}
		return fmt.Sprintf("%d of %d are there", len(wanted)-len(denied), len(wanted)), err
	}
	if err := i.Cluster.checkPermissions(ctx, wanted); err != nil {
		return "", err
	}
	return fmt.Sprintf("all %d are there", len(wanted)), i.Cluster.checkEscalation(ctx, i.report.Prepared)
}
