package advice_test

import (
	"errors"
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pruning"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/install/inuse"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Each cause that installing runs into has its line, however deep it lies.
func TestHintsOfInstalling(t *testing.T) {
	target := ref.Folder{Host: "registry.example.com", Path: "pg"}
	tests := []struct {
		err  error
		want string
	}{
		{&preparation.NoChartError{}, "name one with --chart FILE"},
		{&preparation.AbsentError{Target: target, Release: "v4.3.1", Chart: "c", Err: preparation.ErrNotMirrored}, "relocate the release first: pgrelocate copy --registry registry.example.com/pg --release v4.3.1"},
		{&preparation.AbsentError{Target: target, Release: "v4.3.1", Images: []string{"i"}, Err: preparation.ErrNotMirrored}, "relocate them first: pgrelocate copy --registry registry.example.com/pg --release v4.3.1"},
		{&preparation.AbsentError{Target: target, Product: "tanzu", Release: "v4.3.1", Chart: "c", Err: preparation.ErrNotMirrored}, "relocate the release first: pgrelocate copy --registry registry.example.com/pg --release v4.3.1"},
		{&preparation.AbsentError{Target: target, Product: "cert-manager", Release: "v1.21.1", Chart: "c", Err: preparation.ErrNotMirrored}, "relocate the release first: pgrelocate copy --registry registry.example.com/pg --product cert-manager --release v1.21.1"},
		{&preparation.OtherReleaseError{}, "name the release that the chart belongs to: --release"},
		{&preparation.ProofError{Places: []naming.Leftover{{Cause: naming.NamesSource}}}, "set these with --set or -f values.yaml, or check that your own values do not name it; a place that may stay is named by --accept KIND/NAME:PATH=REASON"},
		{&preparation.ProofError{Thing: "what is to be written", Places: []naming.Leftover{{Cause: naming.NamesSource}}}, "these names cannot be changed where they stand: change them by hand first; a place that may stay is named by --accept KIND/NAME:PATH=REASON"},
		{&preparation.ProofError{Places: []naming.Leftover{{Cause: naming.Elsewhere}}}, "relocate these images too, with pgrelocate copy --chart-images, or set others with --set or -f values.yaml; a place that may stay is named by --accept KIND/NAME:PATH=REASON"},
		{&preparation.ProofError{Places: []naming.Leftover{{Cause: naming.Unchanged}}}, "no value of the chart that could be found names these: set them with --set or -f values.yaml; a place that may stay is named by --accept KIND/NAME:PATH=REASON"},
		{&preparation.ProofError{Target: target, Release: "v4.3.1", Places: []naming.Leftover{{Cause: naming.NotRelocated}}}, "relocate them first: pgrelocate copy --registry registry.example.com/pg --release v4.3.1"},
		{&install.UnmirroredError{Versions: []string{"v"}}, "relocate them with `pgrelocate copy`; without --strict they are left out"},
		{&install.InUseError{}, "remove them first, or use --force: they go on running then, and nobody looks after them"},
		{&install.UnseenError{Reasons: []error{&install.UnservedError{Definition: "dbs"}}}, "mend that first, or use --force: whatever databases there are go on running, and nobody looks after them; " +
			"all CRDs, namespaces and pull secrets stay, and no hook of the chart for uninstalling runs"},
		{&install.UnseenError{Reasons: []error{cluster.ErrDenied}}, "a cluster administrator can grant what is needed: see examples/rbac.yaml; mend that first, or use --force: " +
			"whatever databases there are go on running, and nobody looks after them; all CRDs, namespaces and pull secrets stay, and no hook of the chart for uninstalling runs"},
		{&install.UninstallError{Err: &readiness.NotReadyError{}}, "run `pgrelocate uninstall` again once that can end; where it never will, `helm uninstall --no-hooks` leaves the chart's hooks out"},
		{&install.UninstallError{Err: errors.New("x")}, "run `pgrelocate uninstall` again to go on"},

		{&install.NoReleaseError{}, "see --helm-release and --namespace; `helm list --all-namespaces` shows what there is"},
		{&install.NoReleaseError{Elsewhere: []string{"pg"}}, "did you mean --namespace pg?"},
		{&install.ForeignError{Objects: []install.Foreign{{Object: "CustomResourceDefinition c"}}}, "--adopt takes them over: it sets the label app.kubernetes.io/managed-by and the annotations meta.helm.sh/release-name and meta.helm.sh/release-namespace, and then the chart's content; it removes nothing"},
		{&install.ForeignError{Objects: []install.Foreign{{Object: "Secret s", Replaced: true}}}, "--adopt takes them over: it sets the label app.kubernetes.io/managed-by and the annotations meta.helm.sh/release-name and meta.helm.sh/release-namespace, and then the chart's content; it removes nothing but what is to be made anew"},
		{&install.ForeignError{Objects: []install.Foreign{{Owner: cluster.Owner{Namespace: "ns", Release: "r"}, Lives: true, Unseen: cluster.ErrDenied}}}, "let somebody look who may list Secrets and ConfigMaps in namespace ns: examples/rbac.yaml has what is needed"},
		{&install.OlderError{Losses: []definitions.Loss{{Name: "c", Losses: []string{"v1 goes"}}}, Forgotten: 2},
			"--allow-downgrade goes on, where you know that an earlier revision brought this: databases lose what goes as soon as they are written, so save them first"},
		{&install.OlderError{}, "--allow-downgrade goes back; ask the vendor whether the older operator takes what the newer one has written"},
		{&install.OlderError{Losses: []definitions.Loss{{Name: "c", Losses: []string{"v1 goes"}}}}, "--allow-downgrade goes back: databases lose what goes as soon as they are written, so save them first"},
		{&install.OlderError{Losses: []definitions.Loss{{Name: "c", Losses: []string{"v1 goes"}, Stored: []string{"v1"}}}}, "install a release that has that version; its objects have to be written anew in another one, and it has to go from the CRD's status.storedVersions, before a release without it can be installed"},
		{&install.OtherChartError{}, "--helm-release NAME and --namespace NAMESPACE install beside it"},
		{&install.ForeignError{Objects: []install.Foreign{{}, {Owner: cluster.Owner{Namespace: "ns", Release: "r"}, Lives: true}}}, "upgrade that helm release instead: --helm-release r --namespace ns"},
		{&preparation.RefusedManifestError{Err: &preparation.UnaskedError{Images: []string{"i"}}}, "templates of the chart look things up in this cluster: relocate these images too, or set the values that bring them"},
		{&preparation.RefusedManifestError{Err: &preparation.ProofError{Places: []naming.Leftover{{Cause: naming.NamesSource}}}}, "set these with --set or -f values.yaml, or check that your own values do not name it; a place that may stay is named by --accept KIND/NAME:PATH=REASON"},

		{&helm.ElsewhereError{}, "work on it with helm and HELM_DRIVER=configmap, or move its records into Secrets: see docs/install.md"},
		{&helm.SizeError{}, "set values that leave parts of the chart out: helm stores the chart and what it renders in one Secret"},
		{&helm.TakenBackError{Err: cluster.ErrDenied}, "a cluster administrator can grant what is needed: see examples/rbac.yaml"},
		{helm.ErrOwned, "somebody made it while this ran: run this again, and it says whose it is"},
		{&helm.BusyError{Revision: helm.Revision{Status: helm.Uninstalling}}, "wait for it to end; if nothing is at work any more, run `pgrelocate uninstall` again to go on, and then this"},
		{&helm.BusyError{Revision: helm.Revision{Name: "r", Namespace: "ns", Number: 2}}, "wait for it to end; if nothing is at work any more, it was killed: remove its record with `kubectl delete secret -n ns sh.helm.release.v1.r.v2` and run this again"},
		{helm.ErrOvertaken, "wait until it has ended, then run this again"},

		{cluster.ErrNoKubeconfig, "name one with --kubeconfig FILE or $KUBECONFIG"},
		{cluster.Wrap(cluster.ErrKubeconfig, cluster.ErrNoCluster), "check --kubeconfig and --context"},
		{cluster.ErrNoCluster, "check that `kubectl version` works with the same kubeconfig"},
		{cluster.ErrUnauthenticated, "the cluster refused who you are: renew the credentials in your kubeconfig"},
		{cluster.ErrDenied, "a cluster administrator can grant what is needed: see examples/rbac.yaml"},
		{fmt.Errorf("%w: %w", inuse.ErrUnknown, cluster.ErrDenied), "examples/rbac-in-use.yaml lets what a cluster uses be seen, and nothing changed"},
		{&pruning.ClusterError{Err: cluster.ErrDenied}, "examples/rbac-in-use.yaml lets what a cluster uses be seen, and nothing changed; --ignore-cluster deletes whatever that uses"},
		{&install.LeavingError{}, "wait until they are gone, and run this again; where they stay, metadata.finalizers says who has still to let go"},
		{cluster.ErrPolicy, "no permission is missing: a quota, a policy or a webhook of the cluster refuses it; ask who looks after that"},
		{&cluster.DeniedError{}, "a cluster administrator can grant what is needed: see examples/rbac.yaml"},
		{&cluster.EscalationError{}, "nobody may grant what he may not do himself: let a cluster administrator install, or grant the verbs escalate and bind as examples/rbac.yaml does"},
		{&cluster.NoNamespaceError{Namespace: "demo"}, "create it first: kubectl create namespace demo"},
		{&pullsecret.UnreadableError{Host: "r.example.com"}, "write USER:PASSWORD on one line, or a docker config.json with an entry for r.example.com"},
		{&cluster.UnknownKindsError{Kinds: []schema.GroupKind{{Group: "x.example.com", Kind: "X"}}}, "install what defines them first"},
		{&cluster.PrerequisiteError{Err: cluster.ErrNoPrerequisite}, "--with-prerequisites installs it from the private registry, once copy --with-prerequisites has brought it there"},
		{&cluster.PrerequisiteError{Prerequisite: cluster.Prerequisite{Product: "cert-manager"}, Err: cluster.ErrNoAnswer}, "see whether its pods run: kubectl get pods -A | grep cert-manager"},
		{cluster.ErrNotOurs, "--force-secret takes it over, --pull-secret NAME chooses another name"},
		{cluster.ErrConflict, "--force-conflicts takes these fields over; stop the other tool first if it still manages this CRD"},
		{pullsecret.ErrNoPassword, "give the cluster credentials of its own: --pull-credentials-file FILE"},
		{&readiness.NotReadyError{Pending: []readiness.Pending{{}, {Trouble: readiness.Trouble{Kind: readiness.TooMany}}}}, "the registry limits its clients; waiting helps"},

		{verify.ErrNotInstalled, "see --helm-release and --namespace; `pgrelocate install` installs it"},
		{verify.ErrNoVersionKind, "install again to restore its CRD"},
		{verify.ErrGone, "install again to restore it"},
		{verify.ErrStopped, "scale it up again: kubectl scale --replicas 1"},
		{verify.ErrEdited, "install again to restore it, or edit it back"},
		{verify.ErrNotMirrored, "relocate it with `pgrelocate copy`"},
		{&verify.StatusError{Status: helm.Failed}, "run `pgrelocate install` again"},
		{&verify.StuckError{Trouble: readiness.Trouble{Kind: readiness.Unreachable}}, "the node cannot reach the registry: check its DNS, firewall and proxy; other machines may well reach it"},
		{&verify.ElsewhereError{Host: "h"}, "point it to the private registry again: `pgrelocate install` restores what the release made"},
		{&verify.NoLoginError{Namespace: "demo", Err: pullsecret.ErrNoSecret}, "run `pgrelocate secret --namespace demo`"},
		{&verify.RefusedError{Secret: "s"}, "run `pgrelocate secret --rotate` with valid credentials"},
		{&verify.RefusedSecretError{}, "run `pgrelocate secret --rotate` with valid credentials"},
		{&verify.UnreadableError{Secret: "s"}, "grant them to read it, or run `pgrelocate secret --rotate` with others"},
		{&verify.BrokenError{Err: registry.ErrDigestMismatch}, "relocate it again with `pgrelocate copy`, or look after the registry"},
		{&verify.NoSecretError{Namespace: "demo"}, "run `pgrelocate secret --namespace demo`"},
		{&verify.SecretError{Namespace: "demo", Err: pullsecret.ErrNoEntry}, "run `pgrelocate secret --namespace demo --force-secret`"},
	}
	for _, tt := range tests {
		wrapped := &install.Failure{Step: "step", Err: fmt.Errorf("doing it: %w", tt.err)}
		for _, err := range []error{tt.err, wrapped, &verify.Problem{Err: tt.err}} {
			if got := advice.For(err); got != tt.want {
				t.Errorf("For(%T of %T) = %q, want %q", err, tt.err, got, tt.want)
			}
		}
	}
}

// A version of Kubernetes comes from the cluster in a run, and from a flag elsewhere.
func TestHintOfKubeVersion(t *testing.T) {
	refused := fmt.Errorf("rendering: %w", &chart.KubeVersionError{Wants: "<1.30.0", Has: "v1.36.3"})
	if got, want := advice.For(refused), "--kube-version names the Kubernetes of your cluster"; got != want {
		t.Errorf("For(render) = %q, want %q", got, want)
	}
	want := "the cluster runs Kubernetes v1.36.3: choose a release whose chart takes that, or another cluster"
	if got := advice.For(&install.Failure{Step: "chart", Err: refused}); got != want {
		t.Errorf("For(install) = %q, want %q", got, want)
	}
}

func TestTrouble(t *testing.T) {
	tests := []struct {
		trouble readiness.Trouble
		want    string
	}{
		{readiness.Trouble{}, ""},
		{readiness.Trouble{Kind: readiness.Untrusted}, "the node does not trust the registry's certificate authority: install it on every node, for containerd in /etc/containerd/certs.d/HOST/"},
		{readiness.Trouble{Kind: readiness.PlainHTTP}, "the registry speaks plain HTTP and the node wants TLS: configure the registry's host on every node, for containerd in /etc/containerd/certs.d/HOST/hosts.toml"},
		{readiness.Trouble{Kind: readiness.NoPullSecret, Namespace: "ns", ServiceAccount: "sa"}, "the pod names no pull secret: set one in its resource, or on the service account ns/sa"},
		{readiness.Trouble{Kind: readiness.PullSecretMissing, Namespace: "ns", Secret: "s"}, "secret s does not exist in namespace ns: run `pgrelocate secret --namespace ns`"},
		{readiness.Trouble{Kind: readiness.PullSecretRefused, Secret: "s"}, "the registry refuses the credentials in secret s: run `pgrelocate secret --rotate` with valid ones"},
		{readiness.Trouble{Kind: readiness.NotInRegistry}, "the image is not in the registry: run `pgrelocate copy`, then `pgrelocate verify`"},
		{readiness.Trouble{Kind: readiness.Crashing, Namespace: "ns", Pod: "p", Container: "c"}, "see its log: kubectl logs -n ns p -c c --previous"},
	}
	for _, tt := range tests {
		if got := advice.Trouble(tt.trouble); got != tt.want {
			t.Errorf("Trouble(%+v) = %q, want %q", tt.trouble, got, tt.want)
		}
	}
}

func TestWarning(t *testing.T) {
	for _, tt := range []struct {
		cause error
		want  string
	}{
		{nil, ""},
		{fmt.Errorf("secret s is %w", cluster.ErrNotOurs), " (--force-secret takes it over)"},
		{install.ErrChartsSecret, "; where that has no login for the private registry, choose another name: --pull-secret"},
		{install.ErrMayPush, "; better give it read-only ones: --pull-credentials-file"},
	} {
		if got := advice.Warning(tt.cause); got != tt.want {
			t.Errorf("Warning(%v) = %q, want %q", tt.cause, got, tt.want)
		}
	}
}
