package install

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	helmrelease "helm.sh/helm/v3/pkg/release"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// VerifyOptions steer Verify. Cluster, Dial, Product, HelmRelease, Namespace and
// PullSecret are needed.
type VerifyOptions struct {
	Cluster                            *Cluster
	Dial                               Dial
	Product                            *versions.Product
	HelmRelease, Namespace, PullSecret string
	// Namespaces need the pull secret besides those that have databases or have it already.
	Namespaces []string
	// Hosts are the registries that images may come from; none means those that the
	// release names.
	Hosts []string
	// Deep asks for every blob of every image.
	Deep bool
	// Pull lets the nodes pull every image.
	Pull bool
	// NoWorkloads leaves out whether the workloads are ready.
	NoWorkloads bool
	Hooks       Hooks
}

// verification is one Verify under way.
type verification struct {
	VerifyOptions
	traits   Traits
	release  *helmrelease.Release
	manifest *chart.Rendering
	versions []unstructured.Unstructured
	asker    *asker
	check    Check
}

// Verify holds a cluster against its release: do its workloads run, can everything that it
// offers be pulled with the secret as it is stored, and is that secret where it is needed.
// What is wrong is in the Check; the error is for what could not be found out, and is
// ErrNotInstalled where there is no such release.
func Verify(ctx context.Context, opts VerifyOptions) (*Check, error) {
	v := &verification{VerifyOptions: opts, traits: TraitsOf(opts.Product)}
	for _, do := range []func(context.Context) error{
		v.readRelease, v.checkWorkloads, v.readVersions, v.checkImages, v.checkNamespaces, v.pullOnNodes,
	} {
		if err := do(ctx); err != nil {
			return nil, err
		}
	}
	return &v.check, nil
}

func (v *verification) readRelease(ctx context.Context) error {
	h, err := v.Cluster.helm(ctx, v.Namespace, v.Hooks.waiting)
	if err != nil {
		return err
	}
	if v.release, err = h.last(v.HelmRelease); err != nil {
		return err
	}
	if v.release == nil || v.release.Info.Status == helmrelease.StatusUninstalled {
		return withHint(fmt.Errorf("there is no helm release %s in namespace %s: %w", v.HelmRelease, v.Namespace, ErrNotInstalled),
			"see --helm-release and --namespace; `pgrelocate install` installs it")
	}
	if v.manifest, err = chart.ParseManifest(v.release.Manifest); err != nil {
		return err
	}
	v.check = Check{
		HelmRelease: v.HelmRelease, Namespace: v.Namespace,
		Revision: v.release.Version, Status: v.release.Info.Status.String(),
		Chart: v.release.Chart.Name() + " " + v.release.Chart.Metadata.Version,
	}
	v.asker = newAsker(v.Cluster, v.Dial, v.Namespace, v.PullSecret, v.Deep)
	return nil
}

// checkWorkloads looks at what the release runs.
func (v *verification) checkWorkloads(ctx context.Context) error {
	for _, object := range v.manifest.Objects {
		if !slices.Contains([]string{"Deployment", "StatefulSet", "DaemonSet"}, object.GetKind()) || v.NoWorkloads {
			continue
		}
		mapping, known, err := v.Cluster.serves(object.GroupVersionKind().GroupKind())
		if err != nil || !known {
			return err
		}
		namespace := namespaceOf(object, v.Namespace)
		result := WorkloadCheck{Object: object.GetKind() + " " + namespace + "/" + object.GetName()}
		live, err := v.Cluster.of(mapping.Resource, namespace).Get(ctx, object.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			result.Reason, result.Hint = "it does not exist any more", "install again to restore it"
		case err != nil:
			return explain(fmt.Errorf("reading %s: %w", result.Object, err))
		case rolledOut(live):
			result.Ready = true
		default:
			pending := v.Cluster.whyNotReady(ctx, live)
			result.Reason, result.Hint = pending.Reason, pending.Hint
		}
		v.check.Workloads = append(v.check.Workloads, result)
	}
	return nil
}

// rolledOut tells whether all of a workload's pods are of its newest specification and ready.
func rolledOut(workload *unstructured.Unstructured) bool {
	number := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(workload.Object, fields...)
		return n
	}
	if number("status", "observedGeneration") < workload.GetGeneration() {
		return false
	}
	wanted := number("spec", "replicas")
	switch workload.GetKind() {
	case "DaemonSet":
		wanted = number("status", "desiredNumberScheduled")
		return number("status", "numberAvailable") >= wanted && number("status", "updatedNumberScheduled") >= wanted
	case "StatefulSet":
		return number("status", "readyReplicas") >= wanted && number("status", "updatedReplicas") >= wanted
	default:
		return number("status", "availableReplicas") >= wanted && number("status", "updatedReplicas") >= wanted
	}
}

// readVersions lists what users can pick.
func (v *verification) readVersions(ctx context.Context) error {
	if v.traits.Version.Empty() {
		return nil
	}
	mapping, known, err := v.Cluster.serves(v.traits.Version)
	if err != nil {
		return err
	}
	if !known {
		return withHint(fmt.Errorf("the cluster does not know %s: %w", v.traits.Version, ErrNotInstalled), "install again to restore its CRD")
	}
	v.versions, err = v.Cluster.list(ctx, mapping.Resource, "", metav1.ListOptions{})
	return err
}

// checkImages asks for every image, once each.
func (v *verification) checkImages(ctx context.Context) error {
	isVersion := func(object chart.Object) bool { return object.GetKind() == v.traits.Version.Kind }
	hosts := slices.Clone(v.Hosts)
	if len(hosts) == 0 {
		for _, image := range v.manifest.Images() {
			hosts = append(hosts, image.Ref.Host)
		}
	}
	for _, image := range v.manifest.Without(isVersion).Images() {
		v.check.Images = append(v.check.Images, ImageCheck{Image: image.Ref.String()})
	}
	for i := range v.versions {
		v.check.Versions = append(v.check.Versions, v.versionCheck(&v.versions[i]))
	}
	var all []*ImageCheck
	for i := range v.check.Images {
		all = append(all, &v.check.Images[i])
	}
	for i := range v.check.Versions {
		all = append(all, &v.check.Versions[i].ImageCheck)
	}
	return v.asker.askAll(ctx, all, hosts)
}

// versionCheck compares a version with what the release made of it.
func (v *verification) versionCheck(object *unstructured.Unstructured) VersionCheck {
	text := func(from map[string]any, field string) string {
		value, _, _ := unstructured.NestedString(from, "spec", field)
		return value
	}
	check := VersionCheck{Name: object.GetName(), DBVersion: text(object.Object, "dbVersion")}
	check.Image = text(object.Object, "instanceImage")
	check.Edited = true
	for _, made := range v.manifest.Objects {
		if made.GetKind() == object.GetKind() && made.GetName() == object.GetName() {
			check.Expected = text(made.Object, "instanceImage")
			check.Edited = check.Expected != check.Image
		}
	}
	if !check.Edited {
		check.Expected = ""
	}
	return check
}

// checkNamespaces looks for the pull secret wherever it is needed.
func (v *verification) checkNamespaces(ctx context.Context) error {
	instances, err := v.Cluster.Instances(ctx, v.traits)
	if err != nil {
		return err
	}
	counts := map[string]int{v.Namespace: 0}
	for _, instance := range instances {
		counts[instance.Namespace]++
	}
	ours, err := v.Cluster.OurSecrets(ctx)
	if err != nil && !errors.Is(err, ErrDenied) {
		return err
	}
	host, _ := v.probe()
	for _, secret := range ours {
		// One for another registry belongs to something else.
		_, err := v.Cluster.StoredCredentials(ctx, secret.Namespace, secret.Name, host)
		if secret.Name == v.PullSecret && !errors.Is(err, errNoEntry) {
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
	credentials, err := v.Cluster.StoredCredentials(ctx, namespace, v.PullSecret, host)
	switch {
	case errors.Is(err, ErrNoSecret) && v.asker.anonymous(host):
		check.OK = true
		return check, nil
	case errors.Is(err, ErrNoSecret):
		check.Reason = "it lacks the pull secret " + v.PullSecret
		check.Hint = "run `pgrelocate secret --namespace " + namespace + "`"
		return check, nil
	case errors.Is(err, ErrDenied):
		return check, err
	case err != nil:
		check.Reason, check.Hint = err.Error(), "run `pgrelocate secret --namespace "+namespace+" --force-secret`"
		return check, ctx.Err()
	case probe == nil:
		check.OK = true
		return check, nil
	}
	if reason := v.asker.accepts(ctx, credentials, *probe); reason != "" {
		check.Reason, check.Hint = "the registry refuses its pull secret: "+reason, "run `pgrelocate secret --rotate` with valid credentials"
		return check, ctx.Err()
	}
	check.OK = true
	return check, nil
}

// probe is an image on which secrets can be tried, and the private registry's host.
func (v *verification) probe() (string, *ref.Reference) {
	host := ""
	for _, image := range v.manifest.Images() {
		if host == "" || slices.Contains(v.Hosts, image.Ref.Host) {
			host = image.Ref.Host
		}
	}
	for _, image := range v.check.Images {
		if ref, err := ref.Parse(image.Image); err == nil && ref.Host == host {
			return host, &ref
		}
	}
	return host, nil
}

// Instance is a database.
type Instance struct {
	Namespace string
	Name      string
}

// String is NAMESPACE/NAME.
func (i Instance) String() string { return i.Namespace + "/" + i.Name }

// Instances lists the databases of all namespaces; none where the cluster does not even
// know their kind.
func (c *Cluster) Instances(ctx context.Context, traits Traits) ([]Instance, error) {
	if traits.Instance.Empty() {
		return nil, nil
	}
	mapping, known, err := c.serves(traits.Instance)
	if err != nil || !known {
		return nil, err
	}
	found, err := c.list(ctx, mapping.Resource, "", metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	var all []Instance
	for i := range found {
		all = append(all, Instance{found[i].GetNamespace(), found[i].GetName()})
	}
	slices.SortFunc(all, func(a, b Instance) int { return strings.Compare(a.String(), b.String()) })
	return all, nil
}
