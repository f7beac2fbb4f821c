package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
		created, err := i.Cluster.ensureNamespace(ctx, namespace)
		if err != nil {
			return "", err
		}
		if created {
			i.report.Created = append(i.report.Created, namespace)
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
		result, err := i.Cluster.Apply(ctx, PullSecret{
			Namespace: namespace, Name: i.Subject.PullSecret, Host: i.Subject.Target.Host,
			Credentials: i.Credentials, Force: i.ForceSecret,
		})
		switch {
		case errors.Is(err, ErrNotOurs):
			i.Hooks.warn(err.Error() + " (--force-secret takes it over)")
		case err != nil:
			return "", err
		case result.State != SecretUnchanged:
			i.did("secret %s in namespace %s %s", result.Name, namespace, result.State)
		}
		i.report.Secrets = append(i.report.Secrets, result)
		words = append(words, fmt.Sprintf("%s in %s: %s", result.Name, namespace, result.State))
	}
	if i.DryRun {
		return "would apply " + i.Subject.PullSecret + " in " + strings.Join(i.allNamespaces(), ", "), nil
	}
	return strings.Join(words, ", "), nil
}

func (i *installation) definitions(ctx context.Context) (string, error) {
	count := 0
	for _, object := range i.report.Prepared.Rendering.Objects {
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
	written, err := i.Cluster.applyDefinitions(ctx, i.report.Prepared, i.ForceConflicts)
	if i.report.Definitions = written; written > 0 {
		i.did("%d CRDs applied", written)
	}
	return fmt.Sprintf("%d applied, %d in all", written, count), err
}

func (i *installation) operator(ctx context.Context) (string, error) {
	p := i.report.Prepared
	if i.DryRun {
		i.plan("helm upgrade --install %s in namespace %s with chart %s %s", p.HelmRelease, p.Namespace, p.Chart.Name(), p.Chart.Version())
		return "would install " + p.HelmRelease, nil
	}
	var err error
	if i.helm, err = i.Cluster.helm(ctx, i.Subject.Namespace, i.Hooks.waiting); err != nil {
		return "", err
	}
	before, err := i.helm.last(p.HelmRelease)
	if err != nil {
		return "", err
	}
	release, err := i.helm.upgrade(ctx, p, releaseOptions{wait: !i.NoWait, atomic: i.Atomic, timeout: i.Timeout})
	if after, lastErr := i.helm.last(p.HelmRelease); lastErr == nil && after != nil && (before == nil || after.Version != before.Version) {
		i.did("helm release %s revision %d begun", p.HelmRelease, after.Version)
	}
	if err != nil {
		return "", explainHelm(err)
	}
	i.report.Revision = release.Version
	return fmt.Sprintf("helm release %s in %s, revision %d", release.Name, release.Namespace, release.Version), nil
}

func (i *installation) verify(ctx context.Context) (string, error) {
	if i.DryRun {
		return "not in a dry run", errSkip
	}
	check, err := Verify(ctx, VerifyOptions{
		Cluster: i.Cluster, Dial: i.Dial, Product: i.Subject.Product,
		HelmRelease: i.Subject.HelmRelease, Namespace: i.Subject.Namespace, PullSecret: i.Subject.PullSecret,
		Namespaces: i.InstanceNamespaces, Hosts: []string{i.Subject.Target.Host}, NoWorkloads: i.NoWait, Hooks: i.Hooks,
	})
	if err != nil {
		return "", err
	}
	i.report.Check = check
	return check.Summary(), nil
}
