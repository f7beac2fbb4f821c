package jobs

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

// What annotations of a Job say of its plan, for who watches it.
const (
	bytesAnnotation     = "pgrelocate.io/bytes"
	artifactsAnnotation = "pgrelocate.io/artifacts"
)

// mostPlan is how many bytes a plan may have, packed, to go into a ConfigMap, which may have a mebibyte.
const mostPlan = 1_000_000

// ErrLargePlan: a plan does not go into a ConfigMap.
var ErrLargePlan = errors.New("the plan is too large for a ConfigMap")

// Nightly is a copy by a schedule.
func Nightly(p Pod, schedule string) ([]*unstructured.Unstructured, error) {
	if err := cmp.Or(p.check(), p.checkCron(schedule)); err != nil {
		return nil, err
	}
	job := object{
		"backoffLimit": 3, "activeDeadlineSeconds": 4 * 3600,
		// A container that starts again in the same pod finds what the one before has left in /state.
		"template": p.template("OnFailure", ""),
	}
	cron := object{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": p.meta(p.Name), "spec": object{
		"schedule": schedule, "concurrencyPolicy": "Forbid", "jobTemplate": object{"spec": job},
	}}
	return unstructuredOf(append(p.base(), cron))
}

// MirrorOptions are what an Indexed Job takes besides its pods.
type MirrorOptions struct {
	// Plan is the plan's file. It goes into a ConfigMap, unless Claim names a volume that has it as
	// plan.json.
	Plan  []byte
	Claim string
	// Workers are how many shards the plan is cut into, and as many pods at once.
	Workers int
	// Retries are how often each shard is tried again.
	Retries int
	// Bytes and Artifacts are how much there is to move.
	Bytes, Artifacts int64
}

// PlanName is a name that goes with a plan and a number of workers: others make another job, for a job
// cannot be changed.
func PlanName(plan []byte, workers int) string {
	sum := sha256.Sum256(fmt.Appendf(plan[:len(plan):len(plan)], "%d", workers))
	return "mirror-" + hex.EncodeToString(sum[:4])
}

// Mirror is a plan that is carried out by several pods.
func Mirror(p Pod, opts MirrorOptions) ([]*unstructured.Unstructured, error) {
	if opts.Workers < 1 || opts.Workers > shard.Most {
		return nil, fmt.Errorf("%d workers: from 1 to %d there can be", opts.Workers, shard.Most)
	}
	if err := cmp.Or(p.check(), p.checkIndexed(opts)); err != nil {
		return nil, err
	}
	all := p.base()
	source := object{"persistentVolumeClaim": object{"claimName": opts.Claim, "readOnly": true}}
	if opts.Claim == "" {
		packed, err := pack(opts.Plan)
		if err != nil {
			return nil, err
		}
		// Nobody may change it while shards that have read it are at work.
		all = append(all, object{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": p.meta(p.Name + "-plan"), "immutable": true,
			"binaryData": object{"plan.json": packed},
		})
		source = object{"configMap": object{"name": p.Name + "-plan"}}
	}
	meta := p.meta(p.Name)
	meta["annotations"] = object{bytesAnnotation: fmt.Sprint(opts.Bytes), artifactsAnnotation: fmt.Sprint(opts.Artifacts)}
	job := object{"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": object{
		"completionMode": "Indexed", "completions": opts.Workers, "parallelism": opts.Workers,
		"backoffLimitPerIndex": opts.Retries, "maxFailedIndexes": opts.Workers,
		"podFailurePolicy": object{"rules": []any{
			// A node that goes down is nobody's failure.
			object{"action": "Ignore", "onPodConditions": []any{object{"type": "DisruptionTarget", "status": "True"}}},
			// What no retry mends: a wrong setting, a drift.
			object{"action": "FailIndex", "onExitCodes": object{"operator": "In", "values": []any{2, 6}}},
		}},
		"template": p.template("Never", "", volume{"plan", planDir, source, true}),
	}}
	return unstructuredOf(append(all, job))
}

// pack is a plan as a ConfigMap holds it.
func pack(plan []byte) (string, error) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(plan); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	if packed.Len()*4/3 > mostPlan {
		return "", fmt.Errorf("%w: %d bytes, packed", ErrLargePlan, packed.Len())
	}
	return base64.StdEncoding.EncodeToString(packed.Bytes()), nil
}

// SecretsOptions are what keeping pull secrets takes besides its pods.
type SecretsOptions struct {
	// Schedule says how often.
	Schedule string
	// Credentials is a secret whose key "credentials" goes into the pull secrets.
	Credentials string
	// PullSecret is the name of the pull secrets.
	PullSecret string
}

// Secrets is a CronJob that gives namespaces their pull secret, and renews it, with an account that may
// do that and nothing else.
func Secrets(p Pod, opts SecretsOptions) ([]*unstructured.Unstructured, error) {
	if err := cmp.Or(p.check(), p.checkCron(opts.Schedule), checkObject("secret", opts.Credentials), cluster.CheckName("pull secret", opts.PullSecret)); err != nil {
		return nil, err
	}
	credentials := volume{"pull", pullDir, object{"secret": object{"secretName": opts.Credentials, "defaultMode": 0o440}}, true}
	cron := object{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": p.meta(p.Name), "spec": object{
		"schedule": opts.Schedule, "concurrencyPolicy": "Forbid",
		"jobTemplate": object{"spec": object{
			"backoffLimit": 2, "activeDeadlineSeconds": 600, "template": p.template("Never", p.Name, credentials),
		}},
	}}
	return unstructuredOf(append(append(p.base(), p.account(opts.PullSecret)...), cron))
}

// account may list namespaces, and read and write the secrets of one name in all of them. That it may
// create others too cannot be kept from it: a rule for creating knows no names.
func (p Pod) account(secret string) []object {
	role := p.Namespace + "-" + p.Name
	cluster := object{"name": role, "labels": p.labels()}
	return []object{
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": p.meta(p.Name), "automountServiceAccountToken": false},
		{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": cluster, "rules": []any{
			object{"apiGroups": []any{""}, "resources": []any{"namespaces"}, "verbs": []any{"get", "list"}},
			object{"apiGroups": []any{""}, "resources": []any{"secrets"}, "resourceNames": []any{secret}, "verbs": []any{"get", "patch"}},
			object{"apiGroups": []any{""}, "resources": []any{"secrets"}, "verbs": []any{"create"}},
		}},
		{
			"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": cluster,
			"roleRef":  object{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
			"subjects": []any{object{"kind": "ServiceAccount", "name": p.Name, "namespace": p.Namespace}},
		},
	}
}

// YAML is objects as a file for kubectl.
func YAML(objects []*unstructured.Unstructured) ([]byte, error) {
	var all [][]byte
	for _, o := range objects {
		text, err := yaml.Marshal(o.Object)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return bytes.Join(all, []byte("---\n")), nil
}
