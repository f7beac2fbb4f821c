package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
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
	i.outcome.Prepared = p
	for _, notice := range p.Notices {
		i.Hooks.warn(notice)
	}
	return fmt.Sprintf("%s %s, %d objects, none names the source registry", p.Chart.Name(), p.Chart.Version(), len(p.Rendering.Objects)), nil
}

// lastRelease also refuses early where another run is under way.
func (i *installation) lastRelease(ctx context.Context) (*helm.Revision, error) {
	releases, err := helm.Open(ctx, i.Cluster, i.Subject.Namespace, nil)
	if err != nil {
		return nil, err
	}
	last, err := releases.Last(i.Subject.HelmRelease)
	if err != nil {
		return nil, err
	}
	return last, last.Busy()
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
		return &UnmirroredError{Versions: p.Unmirrored}
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
				i.Hooks.warnOf(ErrMayPush.Error(), ErrMayPush)
			}
			return
		}
	}
}

func (i *installation) prerequisites(ctx context.Context) (string, error) {
	p := i.outcome.Prepared
	if !p.usesCertManager() {
		return "kubernetes " + i.Cluster.Version(), i.Cluster.CheckKinds(p.Rendering.Objects)
	}
	namespace := i.Subject.Namespace
	if exists, err := i.Cluster.HasNamespace(ctx, namespace); err != nil {
		return "", err
	} else if !exists {
		namespace = "default"
	}
	if i.DryRun {
		return "kubernetes " + i.Cluster.Version() + ", cert-manager is not asked in a dry run", i.Cluster.CheckKinds(p.Rendering.Objects)
	}
	notice, err := i.Cluster.CheckCertManager(ctx, namespace)
	if err != nil {
		return "", err
	}
	if err := i.Cluster.CheckKinds(p.Rendering.Objects); err != nil {
		return "", err
	}
	if notice != "" {
		i.Hooks.warn(notice)
		return "kubernetes " + i.Cluster.Version(), nil
	}
	return "kubernetes " + i.Cluster.Version() + ", cert-manager answers", nil
}

// owner is the helm release as the one that objects belong to.
func (i *installation) owner() cluster.Owner {
	return cluster.Owner{Namespace: i.Subject.Namespace, Release: i.Subject.HelmRelease}
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
		exists, err := i.Cluster.HasNamespace(ctx, namespace)
		if err != nil {
			return "", err
		}
		if !exists {
			i.missing = append(i.missing, namespace)
		}
	}
	wanted := i.Cluster.InstallPermissions(i.outcome.Prepared.Rendering.Objects, i.owner(), i.allNamespaces(), i.missing)
	if i.DryRun {
		denied, err := i.Cluster.Denied(ctx, wanted)
		for _, permission := range denied {
			i.Hooks.warn("the install itself would need: " + permission.String())
		}
		return fmt.Sprintf("%d of %d are there", len(wanted)-len(denied), len(wanted)), err
	}
	if err := i.Cluster.CheckPermissions(ctx, wanted); err != nil {
		return "", err
	}
	return fmt.Sprintf("all %d are there", len(wanted)), i.Cluster.CheckEscalation(ctx, i.outcome.Prepared.Rendering.Objects, i.Subject.Namespace)
}
