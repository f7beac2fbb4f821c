package advice

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pruning"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/inuse"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

const (
	seeing      = "examples/rbac-in-use.yaml lets what a cluster uses be seen, and nothing changed"
	permissions = "a cluster administrator can grant what is needed: see examples/rbac.yaml"
	rotate      = "run `pgrelocate secret --rotate` with valid credentials"
)

// installed is for what installing, verifying and removing run into.
func installed(err error) string {
	for _, advise := range []func(error) string{ofUse, ofInstalling, ofHelm, ofCluster, ofChecking} {
		if hint := advise(err); hint != "" {
			return hint
		}
	}
	return ""
}

// ofUse is for what asks a cluster what it uses.
func ofUse(err error) string {
	if !errors.Is(err, cluster.ErrDenied) {
		return ""
	}
	var unknown *pruning.ClusterError
	switch {
	case errors.As(err, &unknown):
		return seeing + "; --ignore-cluster deletes whatever that uses"
	case errors.Is(err, inuse.ErrUnknown):
		return seeing
	}
	return ""
}

// ofInstalling is for the causes of package install.
func ofInstalling(err error) string {
	var (
		noChart    *preparation.NoChartError
		absent     *preparation.AbsentError
		other      *preparation.OtherReleaseError
		proof      *preparation.ProofError
		unmirrored *install.UnmirroredError
		inUse      *install.InUseError
		unseen     *install.UnseenError
		uninstall  *install.UninstallError
		noRelease  *install.NoReleaseError
		foreign    *install.ForeignError
		otherChart *install.OtherChartError
		unasked    *preparation.UnaskedError
		older      *install.OlderError
		leaving    *install.LeavingError
	)
	switch {
	case errors.As(err, &leaving):
		return "wait until they are gone, and run this again; where they stay, metadata.finalizers says who has still to let go"
	case errors.As(err, &otherChart):
		return "--helm-release NAME and --namespace NAMESPACE install beside it"
	case errors.As(err, &older):
		return ofOlder(older)
	case errors.As(err, &foreign):
		return ofForeign(foreign)
	case errors.As(err, &unasked):
		return "templates of the chart look things up in this cluster: relocate these images too, or set the values that bring them"
	case errors.As(err, &noRelease) && len(noRelease.Elsewhere) == 1:
		return "did you mean --namespace " + noRelease.Elsewhere[0] + "?"
	case errors.As(err, &noRelease):
		return "see --helm-release and --namespace; `helm list --all-namespaces` shows what there is"
	case errors.As(err, &noChart):
		return "name one with --chart FILE"
	case errors.As(err, &absent) && absent.Chart != "":
		return "relocate the release first: " + ofCopy(absent.Target, absent.Product, absent.Release)
	case errors.As(err, &absent):
		return "relocate them first: " + ofCopy(absent.Target, absent.Product, absent.Release)
	case errors.As(err, &other):
		return "name the release that the chart belongs to: --release"
	case errors.As(err, &proof):
		return ofProof(proof)
	case errors.As(err, &unmirrored):
		return "relocate them with `pgrelocate copy`; without --strict they are left out"
	case errors.As(err, &inUse):
		return "remove them first, or use --force: they go on running then, and nobody looks after them"
	case errors.As(err, &unseen):
		return ofUnseen(unseen)
	case errors.As(err, &uninstall) && errors.Is(err, cluster.ErrNotReady):
		return "run `pgrelocate uninstall` again once that can end; where it never will, `helm uninstall --no-hooks` leaves the chart's hooks out"
	case errors.As(err, &uninstall):
		return "run `pgrelocate uninstall` again to go on"
	default:
		return ""
	}
}

// ofCopy is the command that relocates a release.
func ofCopy(target ref.Folder, product, release string) string {
	command := "pgrelocate copy --registry " + target.String()
	if product != "" && product != versions.DefaultProduct {
		command += " --product " + product
	}
	return command + " --release " + release
}

// ofProof says how a proof can be made to hold.
func ofProof(err *preparation.ProofError) string {
	if cause, one := err.Cause(); one && cause == naming.NoReference {
		return "no node runs what these name: they read HOST/REPOSITORY:TAG, the repository in small letters"
	}
	if err.Thing != "" { // files, which have no values
		return "these names cannot be changed where they stand: change them by hand first; a place that may stay is named by --accept KIND/NAME:PATH=REASON"
	}
	switch cause, _ := err.Cause(); cause {
	case naming.NotRelocated:
		return "relocate them first: " + ofCopy(err.Target, err.Product, err.Release)
	case naming.NamesSource:
		return "set these with --set or -f values.yaml, or check that your own values do not name it; a place that may stay is named by --accept KIND/NAME:PATH=REASON"
	case naming.Unchanged:
		return "no value of the chart that could be found names these: set them with --set or -f values.yaml; a place that may stay is named by --accept KIND/NAME:PATH=REASON"
	default:
		return "relocate these images too, with pgrelocate copy --chart-images, or set others with --set or -f values.yaml; a place that may stay is named by --accept KIND/NAME:PATH=REASON"
	}
}

// ofForeign says whether what is there can be taken over, and what that changes. It never advises
// to remove a CRD: every database goes with it.
func ofForeign(foreign *install.ForeignError) string {
	for _, object := range foreign.Objects {
		if object.Unseen != nil {
			return "let somebody look who may list Secrets and ConfigMaps in namespace " + object.Owner.Namespace + ": examples/rbac.yaml has what is needed"
		}
		if object.Lives {
			return fmt.Sprintf("upgrade that helm release instead: --helm-release %s --namespace %s", object.Owner.Release, object.Owner.Namespace)
		}
	}
	hint := "--adopt takes them over: it sets the label app.kubernetes.io/managed-by and the annotations meta.helm.sh/release-name and meta.helm.sh/release-namespace, and then the chart's content; it removes nothing"
	if slices.ContainsFunc(foreign.Objects, func(f install.Foreign) bool { return f.Replaced }) {
		hint += " but what is to be made anew"
	}
	return hint
}

// ofUnseen says how databases can be seen, and what happens where they are not.
func ofUnseen(err error) string {
	hint := "mend that first, or use --force: whatever databases there are go on running, and nobody looks after them; " +
		"all CRDs, namespaces and pull secrets stay, and no hook of the chart for uninstalling runs"
	if errors.Is(err, cluster.ErrDenied) {
		return permissions + "; " + hint
	}
	return hint
}

// ofOlder says how to go back all the same, where that is possible at all.
func ofOlder(older *install.OlderError) string {
	if older.Stored() {
		return "install a release that has that version; its objects have to be written anew in another one, and it has to go from the CRD's status.storedVersions, before a release without it can be installed"
	}
	if older.Forgotten > 0 {
		return "--allow-downgrade goes on, where you know that an earlier revision brought this: databases lose what goes as soon as they are written, so save them first"
	}
	if len(older.Losses) == 0 {
		return "--allow-downgrade goes back; ask the vendor whether the older operator takes what the newer one has written"
	}
	return "--allow-downgrade goes back: databases lose what goes as soon as they are written, so save them first"
}

// ofHelm is for the causes of package helm, and of rendering.
func ofHelm(err error) string {
	var (
		busy    *helm.BusyError
		kept    *helm.ElsewhereError
		size    *helm.SizeError
		version *chart.KubeVersionError
		run     *install.Failure
	)
	switch {
	case errors.As(err, &version) && errors.As(err, &run):
		return "the cluster runs Kubernetes " + version.Has + ": choose a release whose chart takes that, or another cluster"
	case errors.As(err, &version):
		return "--kube-version names the Kubernetes of your cluster"
	case errors.As(err, &kept):
		return "work on it with helm and HELM_DRIVER=configmap, or move its records into Secrets: see docs/install.md"
	case errors.As(err, &size):
		return "set values that leave parts of the chart out: helm stores the chart and what it renders in one Secret"
	case errors.As(err, &busy) && busy.Revision.Status == helm.Uninstalling:
		return "wait for it to end; if nothing is at work any more, run `pgrelocate uninstall` again to go on, and then this"
	case errors.As(err, &busy):
		return fmt.Sprintf("wait for it to end; if nothing is at work any more, it was killed: remove its record with `kubectl delete secret -n %s %s` and run this again",
			busy.Revision.Namespace, busy.Record())
	case errors.Is(err, helm.ErrOvertaken):
		return "wait until it has ended, then run this again"
	case errors.Is(err, helm.ErrOwned):
		return "somebody made it while this ran: run this again, and it says whose it is"
	default:
		return ""
	}
}

// ofCluster is for the causes of package cluster.
func ofCluster(err error) string {
	var (
		escalation *cluster.EscalationError
		namespace  *cluster.NoNamespaceError
		unreadable *pullsecret.UnreadableError
		notReady   *readiness.NotReadyError
		unknown    *cluster.UnknownKindsError

		prerequisite *cluster.PrerequisiteError
	)
	switch {
	case errors.Is(err, cluster.ErrNoKubeconfig):
		return "name one with --kubeconfig FILE or $KUBECONFIG"
	case errors.Is(err, cluster.ErrKubeconfig):
		return "check --kubeconfig and --context"
	case errors.Is(err, cluster.ErrNoCluster):
		return "check that `kubectl version` works with the same kubeconfig"
	case errors.As(err, &escalation):
		return "nobody may grant what he may not do himself: let a cluster administrator install, or grant the verbs escalate and bind as examples/rbac.yaml does"
	case errors.Is(err, cluster.ErrUnauthenticated):
		return "the cluster refused who you are: renew the credentials in your kubeconfig"
	case errors.Is(err, cluster.ErrDenied):
		return permissions
	case errors.Is(err, cluster.ErrPolicy):
		return "no permission is missing: a quota, a policy or a webhook of the cluster refuses it; ask who looks after that"
	case errors.As(err, &namespace):
		return "create it first: kubectl create namespace " + namespace.Namespace
	case errors.As(err, &unreadable):
		return "write USER:PASSWORD on one line, or a docker config.json with an entry for " + unreadable.Host
	case errors.As(err, &notReady):
		return firstTrouble(notReady.Pending)
	case errors.As(err, &unknown):
		return "install what defines them first"
	case errors.As(err, &prerequisite):
		return ofPrerequisite(prerequisite)
	default:
		return ofClusterToo(err)
	}
}

// ofPrerequisite says how to get one, or to see what is wrong with it.
func ofPrerequisite(err *cluster.PrerequisiteError) string {
	if errors.Is(err, cluster.ErrNoPrerequisite) {
		return "--with-prerequisites installs it from the private registry, once copy --with-prerequisites has brought it there"
	}
	return "see whether its pods run: kubectl get pods -A | grep " + err.Prerequisite.Product
}

// ofClusterToo is the rest of ofCluster.
func ofClusterToo(err error) string {
	switch {
	case errors.Is(err, cluster.ErrNotOurs):
		return "--force-secret takes it over, --pull-secret NAME chooses another name"
	case errors.Is(err, cluster.ErrConflict):
		return "--force-conflicts takes these fields over; stop the other tool first if it still manages this CRD"
	case errors.Is(err, pullsecret.ErrNoPassword):
		return "give the cluster credentials of its own: --pull-credentials-file FILE"
	default:
		return ""
	}
}

// ofChecking is for the causes of package verify, as errors and in a Check's problems.
func ofChecking(err error) string {
	var (
		status    *verify.StatusError
		stuck     *verify.StuckError
		elsewhere *verify.ElsewhereError
		noLogin   *verify.NoLoginError
		refused   *verify.RefusedError
		mayNot    *verify.UnreadableError
		broken    *verify.BrokenError
		noSecret  *verify.NoSecretError
		secret    *verify.SecretError
		refusal   *verify.RefusedSecretError
	)
	switch {
	case errors.Is(err, verify.ErrNoVersionKind):
		return "install again to restore its CRD"
	case errors.Is(err, verify.ErrNotInstalled):
		return "see --helm-release and --namespace; `pgrelocate install` installs it"
	case errors.As(err, &status):
		return "run `pgrelocate install` again"
	case errors.As(err, &stuck):
		return Trouble(stuck.Trouble)
	case errors.Is(err, verify.ErrGone):
		return "install again to restore it"
	case errors.Is(err, verify.ErrStopped):
		return "scale it up again: kubectl scale --replicas 1"
	case errors.Is(err, verify.ErrEdited):
		return "install again to restore it, or edit it back"
	case errors.Is(err, verify.ErrNotMirrored):
		return "relocate it with `pgrelocate copy`"
	case errors.As(err, &elsewhere):
		return "point it to the private registry again: `pgrelocate install` restores what the release made"
	case errors.As(err, &noLogin):
		return fmt.Sprintf("run `pgrelocate secret --namespace %s`", noLogin.Namespace)
	case errors.As(err, &refused), errors.As(err, &refusal):
		return rotate
	case errors.As(err, &mayNot):
		return "grant them to read it, or run `pgrelocate secret --rotate` with others"
	case errors.As(err, &broken):
		return "relocate it again with `pgrelocate copy`, or look after the registry"
	case errors.As(err, &noSecret):
		return fmt.Sprintf("run `pgrelocate secret --namespace %s`", noSecret.Namespace)
	case errors.As(err, &secret):
		return fmt.Sprintf("run `pgrelocate secret --namespace %s --force-secret`", secret.Namespace)
	default:
		return ""
	}
}

// firstTrouble is the first that something can be done about.
func firstTrouble(pending []readiness.Pending) string {
	for _, each := range pending {
		if hint := Trouble(each.Trouble); hint != "" {
			return hint
		}
	}
	return ""
}

// Trouble is what to do about a pod's trouble; empty where there is nothing to say.
func Trouble(t readiness.Trouble) string {
	switch t.Kind {
	case readiness.Untrusted:
		return "the node does not trust the registry's certificate authority: install it on every node, for containerd in /etc/containerd/certs.d/HOST/"
	case readiness.PlainHTTP:
		return "the registry speaks plain HTTP and the node wants TLS: configure the registry's host on every node, for containerd in /etc/containerd/certs.d/HOST/hosts.toml"
	case readiness.NoPullSecret:
		return fmt.Sprintf("the pod names no pull secret: set one in its resource, or on the service account %s/%s", t.Namespace, t.ServiceAccount)
	case readiness.PullSecretMissing:
		return fmt.Sprintf("secret %s does not exist in namespace %s: run `pgrelocate secret --namespace %s`", t.Secret, t.Namespace, t.Namespace)
	case readiness.PullSecretRefused:
		return fmt.Sprintf("the registry refuses the credentials in secret %s: run `pgrelocate secret --rotate` with valid ones", t.Secret)
	case readiness.NotInRegistry:
		return "the image is not in the registry: run `pgrelocate copy`, then `pgrelocate verify`"
	case readiness.Unreachable:
		return "the node cannot reach the registry: check its DNS, firewall and proxy; other machines may well reach it"
	case readiness.TooMany:
		return "the registry limits its clients; waiting helps"
	case readiness.Crashing:
		return fmt.Sprintf("see its log: kubectl logs -n %s %s -c %s --previous", t.Namespace, t.Pod, t.Container)
	default:
		return ""
	}
}

// Warning is what a warning's cause adds to its text, in the same line; empty where nothing.
func Warning(cause error) string {
	switch {
	case errors.Is(cause, cluster.ErrNotOurs):
		return " (--force-secret takes it over)"
	case errors.Is(cause, preparation.ErrNotMirrored):
		return "; `pgrelocate copy` relocates them, and installing again adds them"
	case errors.Is(cause, install.ErrMayPush):
		return "; better give it read-only ones: --pull-credentials-file"
	case errors.Is(cause, install.ErrChartsSecret):
		return "; where that has no login for the private registry, choose another name: --pull-secret"
	default:
		return ""
	}
}
