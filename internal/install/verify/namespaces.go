package verify

import (
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// checkNamespaces looks for the pull secret wherever it is needed.
func (v *verification) checkNamespaces(ctx context.Context) error {
	instances, err := v.Cluster.Instances(ctx, v.Databases...)
	if err != nil {
		return err
	}
	counts := map[string]int{v.Namespace: 0}
	for _, instance := range instances {
		counts[instance.Namespace]++
	}
	ours, err := pullsecret.List(ctx, v.Cluster)
	if err != nil && !errors.Is(err, cluster.ErrDenied) {
		return err
	}
	host, _ := v.probe()
	for _, secret := range ours {
		// One for another registry belongs to something else.
		_, err := pullsecret.Stored(ctx, v.Cluster, secret.Namespace, secret.Name, host)
		if secret.Name == v.PullSecret && !errors.Is(err, pullsecret.ErrNoEntry) {
			counts[secret.Namespace] += 0
		}
	}
	for _, namespace := range v.Namespaces {
		counts[namespace] += 0
	}
	for _, namespace := range sortedKeys(counts) {
		check, err := v.namespaceCheck(ctx, namespace)
		if err != nil {
			return err
		}
		check.Instances = counts[namespace]
		v.check.Namespaces = append(v.check.Namespaces, check)
	}
	return nil
}

// namespaceCheck tries a namespace's secret on an image that the registry has.
func (v *verification) namespaceCheck(ctx context.Context, namespace string) (NamespaceCheck, error) {
	check := NamespaceCheck{Namespace: namespace, Secret: v.PullSecret}
	host, probe := v.probe()
	if host == "" { // the release names no image: its CRDs alone, say
		return check, nil
	}
	at := host
	if probe != nil {
		at = probe.Host + "/" + probe.Repository
	}
	credentials, err := pullsecret.Stored(ctx, v.Cluster, namespace, v.PullSecret, at)
	switch {
	case errors.Is(err, pullsecret.ErrNoSecret) && v.asker.anonymous(host):
		return check, nil
	case errors.Is(err, pullsecret.ErrNoSecret):
		check.Err = &NoSecretError{Namespace: namespace, Secret: v.PullSecret}
		return check, nil
	case errors.Is(err, cluster.ErrDenied):
		return check, err
	case err != nil:
		check.Err = &SecretError{Namespace: namespace, Err: err}
		return check, ctx.Err()
	case probe == nil:
		return check, nil
	}
	if reason := v.asker.accepts(ctx, credentials, *probe); reason != "" {
		check.Err = &RefusedSecretError{Reason: reason}
		return check, ctx.Err()
	}
	return check, nil
}

// probe is an image on which secrets can be tried, and the private registry's host.
func (v *verification) probe() (string, *ref.Reference) {
	host := ""
	for _, image := range naming.ImagesOf(v.manifest, v.Origin) {
		if (host == "" || isAmong(v.Hosts, image.Ref.Host)) && v.accepted(image) == "" {
			host = image.Ref.Host
		}
	}
	for _, image := range v.check.Images {
		if ref, err := ref.Parse(image.Image); err == nil && ref.Host == host && image.Accepted == "" {
			return host, &ref
		}
	}
	return host, nil
}
