package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
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
		i.writing = true
		created, err := i.Cluster.EnsureNamespace(ctx, namespace, i.ownerOf(namespace))
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

// ownerOf is who a namespace belongs to that is made here: the release, where its chart brings
// the namespace, for helm would not touch it otherwise, and else nobody.
func (i *installation) ownerOf(namespace string) cluster.Owner {
	for _, object := range i.outcome.Prepared.Rendering.Objects {
		if object.GetKind() == "Namespace" && object.GetName() == namespace && !object.Hook {
			return i.owner()
		}
	}
	return cluster.Owner{}
}

func (i *installation) secrets(ctx context.Context) (string, error) {
	if i.Credentials.IsZero() {
		return "the registry was asked without credentials, so that none are needed", errSkip
	}
	var words []string
	for _, namespace := range i.allNamespaces() {
		if i.chartsSecret(namespace) {
			text := fmt.Sprintf("the chart brings secret %s in namespace %s itself; it is left to the chart", i.Subject.PullSecret, namespace)
			i.Hooks.warnOf(text, ErrChartsSecret)
			words = append(words, fmt.Sprintf("%s in %s: the chart's", i.Subject.PullSecret, namespace))
			continue
		}
		if i.DryRun {
			i.plan("apply secret %s in namespace %s", i.Subject.PullSecret, namespace)
			continue
		}
		i.writing = true
		result, err := pullsecret.Apply(ctx, i.Cluster, pullsecret.Secret{
			Namespace: namespace, Name: i.Subject.PullSecret, Host: i.Subject.Target.Host,
			Credentials: i.Credentials, Owner: i.secretOwner(), Force: i.ForceSecret,
		})
		switch {
		case errors.Is(err, cluster.ErrNotOurs):
			i.Hooks.warnOf(err.Error(), err)
		case err != nil:
			return "", err
		case result.Change != pullsecret.Unchanged:
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

// chartsSecret tells whether the chart brings a secret of the pull secret's name, which helm would not do where it is
// there already.
func (i *installation) chartsSecret(namespace string) bool {
	return slices.ContainsFunc(i.outcome.Prepared.Rendering.Objects, func(o chart.Object) bool {
		return o.GroupVersionKind().GroupKind() == schema.GroupKind{Kind: "Secret"} && o.GetName() == i.Subject.PullSecret &&
			cluster.NamespaceOf(o, i.Subject.Namespace) == namespace
	})
}

func (i *installation) definitions(ctx context.Context) (string, error) {
	if err := i.adopt(ctx); err != nil {
		return "", err
	}
	count := 0
	for _, object := range i.outcome.Prepared.Rendering.Objects {
		if object.IsCRD() {
			count++
			if i.DryRun {
				i.plan("apply CRD %s", object.GetName())
			}
		}
	}
	beside := definitions.Beside(i.outcome.Prepared.Rendering.Objects)
	if count+len(beside) == 0 {
		return "the chart has none", errSkip
	}
	if i.DryRun {
		for _, object := range beside {
			i.plan("make %s, unless it is there", object.Title())
		}
		return fmt.Sprintf("would apply %d", count), nil
	}
	i.writing = true
	var err error
	i.applied, err = definitions.Apply(ctx, i.Cluster, i.outcome.Prepared.Rendering.Objects, i.owner(), i.ForceConflicts)
	written := len(i.applied)
	if i.outcome.Definitions = written; written > 0 {
		i.did("%d CRDs applied", written)
	}
	if err == nil {
		var made []string
		if made, err = definitions.MakeBeside(ctx, i.Cluster, beside, i.owner()); len(made) > 0 {
			i.did("made from the folder of its CRDs: %s", strings.Join(made, ", "))
		}
	}
	return fmt.Sprintf("%d applied, %d in all", written, count), err
}

func (i *installation) operator(ctx context.Context) (string, error) {
	p := i.outcome.Prepared
	if i.DryRun {
		i.plan("helm upgrade --install %s in namespace %s with chart %s %s", p.HelmRelease, p.Namespace, p.Chart.Name(), p.Chart.Version())
		return "would install " + p.HelmRelease, nil
	}
	releases, err := helm.Open(ctx, i.Cluster, p.Namespace, i.Hooks.waiting)
	if err != nil {
		return "", err
	}
	i.releases, i.writing = releases, true
	release, err := releases.Install(ctx, helm.Request{
		Name: p.HelmRelease, Chart: p.Chart, Values: p.Values, Edit: p.Edit, More: p.More, Check: p.CheckSent,
		Accepted:  p.Accept,
		Databases: traits.DatabasesIn(p.Product, i.Subject.HelmRelease, i.kinds),
		Wait:      !i.NoWait, Atomic: i.Atomic, Timeout: i.Timeout,
	})
	if marked := releases.Marked(); len(marked) > 0 {
		i.did("marked for helm to keep: %s", some(marked))
	}
	if after := releases.State(p.HelmRelease).Newest; after != nil && (i.recorded.last == nil || after.Number != i.recorded.last.Number) {
		i.begun = true
		i.did("helm release %s revision %d begun", p.HelmRelease, after.Number)
	}
	if err != nil {
		return "", err
	}
	changes := releases.Changes()
	if kept := i.dropped(changes.Kept); len(kept) > 0 {
		i.Hooks.warn("the chart does not have these any more, and they stay: " + strings.Join(kept, ", "))
	}
	if theirs := changes.Theirs; len(theirs) > 0 {
		i.Hooks.warn("the chart does not have these any more, and they stay, for they are another helm release's: " + strings.Join(theirs, ", "))
	}
	i.outcome.Revision = release.Number
	return fmt.Sprintf("helm release %s in %s, revision %d", release.Name, release.Namespace, release.Number), nil
}

// dropped are those of the kept objects that the chart has nowhere: a CRD may have moved to crds/,
// which is no part of what helm compares.
func (i *installation) dropped(kept []string) []string {
	return slices.DeleteFunc(kept, func(title string) bool {
		return slices.ContainsFunc(i.outcome.Prepared.Rendering.Objects, func(o chart.Object) bool {
			return o.IsCRD() && title == o.Title()
		})
	})
}

func (i *installation) verify(ctx context.Context) (string, error) {
	if i.DryRun {
		return "not in a dry run", errSkip
	}
	offers := i.Subject.Product.Cluster.Offers
	if i.Subject.Part != "" {
		offers = nil // what users pick from is the operator's
	}
	check, err := verify.Run(ctx, verify.Options{
		Cluster: i.Cluster, Dial: i.Dial, Offers: offers, Databases: traits.Databases(i.Subject.Product),
		HelmRelease: i.Subject.HelmRelease, Namespace: i.Subject.Namespace, PullSecret: i.Subject.PullSecret,
		Namespaces: i.InstanceNamespaces, Hosts: []string{i.Subject.Target.Host}, NoWorkloads: i.NoWait,
		Origin: i.outcome.Prepared.Origin(), Accept: i.Subject.Accept,
	})
	if err != nil {
		return "", err
	}
	i.outcome.Check = check
	return check.Summary(), nil
}
