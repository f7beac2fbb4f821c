package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoCluster: the cluster cannot be reached or the kubeconfig names none.
	ErrNoCluster = errors.New("the cluster cannot be reached")
	// ErrNoKubeconfig: no kubeconfig was found at all; it is an ErrNoCluster.
	ErrNoKubeconfig = fmt.Errorf("%w: there is no kubeconfig", ErrNoCluster)
	// ErrKubeconfig: the kubeconfig cannot be read, or has no such context; it is an ErrNoCluster.
	ErrKubeconfig = errors.New("the kubeconfig cannot be used")
	// ErrDenied: the caller lacks a permission in the cluster.
	ErrDenied = errors.New("permission denied")
	// ErrUnauthenticated: the cluster does not take the caller's credentials; it is an ErrDenied.
	ErrUnauthenticated = fmt.Errorf("%w: the credentials are refused", ErrDenied)
	// ErrPolicy: the cluster's own rules refuse an object, whoever brings it: a quota, a policy, a webhook.
	ErrPolicy = errors.New("the cluster's rules refuse it")
	// ErrNotReady: what was installed did not become ready in time.
	ErrNotReady = errors.New("not ready")
	// ErrNotOurs: an object of that name exists and was not made by this program.
	ErrNotOurs = errors.New("not made by " + Manager)
	// ErrConflict: another manager of a CRD's fields wants them otherwise.
	ErrConflict = errors.New("managed by someone else")
)

// Explain makes an API server's refusal an ErrDenied, or an ErrPolicy; other errors, and nil, stay as they are.
func Explain(err error) error {
	switch {
	case err == nil:
		return nil
	case isPolicy(err):
		return Wrap(ErrPolicy, err)
	case denied(err):
		return Wrap(ErrDenied, err)
	case apierrors.IsUnauthorized(err):
		return Wrap(ErrUnauthenticated, err)
	default:
		return err
	}
}

// denied tells whether the caller lacks a permission. Nothing is created in a namespace that is on its way
// out, nor against a policy, and API servers call that forbidden as well: no permission mends it.
func denied(err error) bool {
	return apierrors.IsForbidden(err) && !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) && !isPolicy(err)
}

// policies are the words of quotas, limits, pod security, webhooks and validating policies. The API server says in no
// other way that it was one of them.
var policies = []string{
	"exceeded quota: ", "failed quota: ", "violates PodSecurity ", " denied the request", " denied request: ",
	" usage per Container ", " usage per Pod ", "error looking up service account ",
}

// isPolicy tells whether an object was refused for what it is, and not for who brings it.
func isPolicy(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && slices.ContainsFunc(policies, func(words string) bool {
		return strings.Contains(status.Status().Message, words)
	})
}

// wrapped is an error of ours with the words of another.
type wrapped struct{ kind, err error }

// Wrap makes errors.Is find kind, and err, while the text is that of err.
func Wrap(kind, err error) error { return &wrapped{kind, err} }

func (w *wrapped) Error() string   { return w.err.Error() }
func (w *wrapped) Unwrap() []error { return []error{w.kind, w.err} }

// NoNamespaceError says that a namespace does not exist.
type NoNamespaceError struct{ Namespace string }

// Error names the namespace.
func (e *NoNamespaceError) Error() string {
	return fmt.Sprintf("namespace %s does not exist", e.Namespace)
}

// UnknownKindsError says which kinds neither the cluster nor the chart's own CRDs define.
type UnknownKindsError struct{ Kinds []schema.GroupKind }

// Error names the kinds.
func (e *UnknownKindsError) Error() string {
	names := make([]string, len(e.Kinds))
	for i, kind := range e.Kinds {
		names[i] = kind.String()
	}
	return fmt.Sprintf("the cluster does not know %s, which the chart uses", strings.Join(names, ", "))
}

// DeniedError lists everything that the caller may not do. It is an ErrDenied.
type DeniedError struct {
	// User is who the cluster takes the caller for; empty where it does not say.
	User        string
	Permissions []Permission
}

// Error lists the permissions, one a line.
func (e *DeniedError) Error() string {
	user := e.User
	if user == "" {
		user = "the user of the kubeconfig"
	}
	text := fmt.Sprintf("%s lacks %s", user, english.Plural(len(e.Permissions), "permission", ""))
	for _, permission := range e.Permissions {
		text += "\n  may not " + permission.String()
	}
	return text
}

// Is makes it an ErrDenied.
func (e *DeniedError) Is(target error) bool { return target == ErrDenied }

// EscalationError says that a role may not be created, for it grants what the caller may not
// do. It is an ErrDenied.
type EscalationError struct {
	// Role is the role, "ClusterRole postgres-operator".
	Role string
	// Reason is the API server's.
	Reason string
}

// Error names the role and the API server's reason.
func (e *EscalationError) Error() string {
	return fmt.Sprintf("%s may not be created: %s", e.Role, e.Reason)
}

// Is makes it an ErrDenied.
func (e *EscalationError) Is(target error) bool { return target == ErrDenied }
