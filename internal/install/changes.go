package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
)

// The steps that write to the cluster, and the check after them.

func (i *installation) namespaces(ctx context.Context) (string, error) {
	if len(i.missing) == 0 {
		return "all exist", errSkip
	}
	if i.DryRun {
		for _, namespace := range i.missing {
			i.plan("create namespace %s", namespace)
		}
		return "would create " + strings.Join(i.missing, ", "), nil
	}
	for _, namespace := range i.missing {
		created, err := i.Cluster.EnsureNamespace(ctx, namespace)
		if err != nil {
			return "", err
		}
		if created {
			i.outcome.Created = append(i.outcome.Created, namespace)
			i.did("namespace %s created", namespace)
		}
	}
	return "created " + strings.Join(i.missing, ", "), nil
}

func (i *installation) secrets(ctx context.Context) (string, error) {
	if i.Credentials.IsZero() {
		return "the registry was asked without credentials, so that none are needed", errSkip
	}
	var words []string
	for _, namespace := range i.allNamespaces() {
		if i.DryRun {
			i.plan("apply secret %s in namespace %s", i.Subject.PullSecret, namespace)
			continue
		}
		result, err := i.Cluster.Apply(ctx, cluster.PullSecret{
			Namespace: namespace, Name: i.Subject.PullSecret, Host: i.Subject.Target.Host,
			Credentials: i.Credentials, Force: i.ForceSecret,
		})
		switch {
		case errors.Is(err, cluster.ErrNotOurs):
			i.Hooks.warnOf(err.Error(), err)
		case err != nil:
			return "", err
		case result.Change != cluster.SecretUnchanged:
			i.did("secret %s in namespace %s %s", result.Name, namespace, result.Change)
		}
		i.outcome.Secrets = append(i.outcome.Secrets, result)
		words = append(words, fmt.Sprintf("%s in %s: %s", result.Name, namespace, result.Change))
	}
	if i.DryRun {
		return "would apply " + i.Subject.PullSecret + " in " + strings.Join(i.allNamespaces(), ", "), nil
	}
	return strings.Join(words, ", "), nil
}

func (i *installation) definitions(ctx context.Context) (string, error) {
	count := 0
	for _, object := range i.outcome.Prepared.Rendering.Objects {
		if object.IsCRD() {
			count++
			if i.DryRun {
				i.plan("apply CRD %s", object.GetName())
			}
		}
	}
	if count == 0 {
		return "the chart has none", errSkip
	}
	if i.DryRun {
		return fmt.Sprintf("would apply %d", count), nil
	}
	written, err := i.Cluster.ApplyDefinitions(ctx, i.outcome.Prepared.Rendering.Objects, i.owner(), i.ForceConflicts)
	if i.outcome.Definitions = written; written > 0 {
		i.did("%d CRDs applied", written)
	}
	return fmt.Sprintf("%d applied, %d in all", written, count), err
}

func (i *installation) operator(ctx context.Context) (string, error) {
	p := i.outcome.Prepared
	if i.DryRun {
		i.plan("helm upgrade --install %s in namespace %s with chart %s %s", p.HelmRelease, p.Namespace, p.Chart.Name(), p.Chart.Version())
		return "would install " + p.HelmRelease, nil
	}
	var err error
	if i.releases, err = helm.Open(ctx, i.Cluster, i.Subject.Namespace, i.Hooks.waiting); err != nil {
		return "", err
	}
	before, err := i.releases.Last(p.HelmRelease)
	if err != nil {
		return "", err
	}
	release, err := i.releases.Install(ctx, helm.Request{
		Name: p.HelmRelease, Namespace: p.Namespace, Chart: p.Chart, Values: p.Values, LeaveOut: p.leaveOut,
		Wait: !i.NoWait, Atomic: i.Atomic, Timeout: i.Timeout,
	})
	if after, lastErr := i.releases.Last(p.HelmRelease); lastErr == nil && after != nil && (before == nil || after.Number != before.Number) {
		i.did("helm release %s revision %d begun", p.HelmRelease, after.Number)
	}
	if err != nil {
		return "", err
	}
	i.outcome.Revision = release.Number
	return fmt.Sprintf("helm release %s in %s, revision %d", release.Name, release.Namespace, release.Number), nil
}

func (i *installation) verify(ctx context.Context) (string, error) {
	if i.DryRun {
		return "not in a dry run", errSkip
	}
	traits := i.outcome.Prepared.Traits
	check, err := verify.Run(ctx, verify.Options{
		Cluster: i.Cluster, Dial: i.Dial, Version: traits.Version, Instance: traits.Instance,
		HelmRelease: i.Subject.HelmRelease, Namespace: i.Subject.Namespace, PullSecret: i.Subject.PullSecret,
		Namespaces: i.InstanceNamespaces, Hosts: []string{i.Subject.Target.Host}, NoWorkloads: i.NoWait,
	})
	if err != nil {
		return "", err
	}
	i.outcome.Check = check
	return check.Summary(), nil
}
