// Package jobs holds the use cases by which the program works in a cluster: the objects of a mirror by
// night, of a large one, and of keeping pull secrets, to be printed or applied, and a job that is watched.
package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/install/jobs"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

// Options are what all jobs take besides the settings.
type Options struct {
	// Destination is the cluster, for Apply.
	Destination reaching.Destination
	// Apply puts the objects into the cluster; else they are only made.
	Apply bool
	// Pod is what the pods are; its Files are made here, and so are its Name and Image where they are empty.
	Pod jobs.Pod
	// Settings are those of this run, and Version is the program's, by which its image is named.
	Settings []config.Value
	Version  string
}

// Made are a job's objects, the namespace first and the job last.
type Made struct {
	Objects         []*unstructured.Unstructured
	Name, Namespace string
	// OwnImage is the image of the pods where nobody has named another; else empty.
	OwnImage string
}

// Nightly makes a CronJob that copies what the settings select.
func Nightly(ctx context.Context, s *relocate.Session, opts Options, schedule string) (*Made, error) {
	m := making{Session: s, Options: opts}
	m.Pod.Name = cmp.Or(m.Pod.Name, "mirror")
	return m.make(ctx, func(p jobs.Pod) ([]*unstructured.Unstructured, error) { return jobs.Nightly(p, schedule) },
		config.Sides, config.Selection, config.Charts, config.Discovery, config.Copying, config.Attesting, config.Admission, config.Connection)
}

// MirrorOptions are what a large mirror takes.
type MirrorOptions struct {
	// Plan is the plan's file.
	Plan string
	// Claim, Workers and Retries are as in jobs.MirrorOptions.
	Claim            string
	Workers, Retries int
}

// Mirror makes an Indexed Job that carries a plan out.
func Mirror(ctx context.Context, s *relocate.Session, opts Options, mirror MirrorOptions) (*Made, error) {
	planned, err := locking.ReadPlan(ctx, mirror.Plan, s.Config.Registry)
	if err != nil {
		return nil, err
	}
	part, err := shard.PartOf(planned, 0, mirror.Workers)
	if err != nil {
		return nil, &exit.UsageError{Err: &locking.LockError{Path: mirror.Plan, Err: err}}
	}
	text, err := files.ReadSmall(ctx, mirror.Plan, lock.MaxSize)
	if err != nil {
		return nil, exit.Misnamed(err)
	}
	m := making{Session: s, Options: opts}
	m.Pod.Name = cmp.Or(m.Pod.Name, jobs.PlanName(text, mirror.Workers))
	m.tellCut(part, planned)
	return m.make(ctx, func(p jobs.Pod) ([]*unstructured.Unstructured, error) {
		return jobs.Mirror(p, jobs.MirrorOptions{
			Plan: text, Claim: mirror.Claim, Workers: mirror.Workers, Retries: mirror.Retries,
			Bytes: part.TotalBytes(), Artifacts: int64(len(planned.Artifacts)),
		})
	}, config.Sides, []string{"product", "catalogue", "check"}, config.Attesting, config.Admission, config.Connection)
}

// tellCut says how a plan is cut, and what cannot be helped.
func (m *making) tellCut(part *shard.Part, planned *lock.Lock) {
	m.Note("%s, %s, in %d shards of %s at most", output.Count(len(planned.Artifacts), "artifact"), output.Bytes(part.TotalBytes()),
		part.Shards, output.Bytes(part.MostBytes()))
	if len(part.Split) > 0 {
		m.Note("%s, %s, are needed by several shards: one moves each, and at worst %s are fetched again",
			output.Count(len(part.Split), "blob"), output.Bytes(part.SplitBytes), output.Bytes(part.AgainBytes))
	}
	if rate := m.Config.LimitRate; rate > 0 && part.Shards > 1 {
		m.Note("the limit on the rate holds for each of the %d pods", part.Shards)
	}
}

// Secrets makes a CronJob that keeps pull secrets.
func Secrets(ctx context.Context, s *relocate.Session, opts Options, secrets jobs.SecretsOptions) (*Made, error) {
	product, err := s.Product()
	if err != nil {
		return nil, err
	}
	place := opts.Destination.Of(product)
	secrets.PullSecret = place.PullSecret
	m := making{Session: s, Options: opts, more: map[string]string{
		"namespace": place.Namespace, "helm-release": place.HelmRelease, "pull-secret": place.PullSecret,
	}}
	m.Pod.Name = cmp.Or(m.Pod.Name, "pull-secrets")
	return m.make(ctx, func(p jobs.Pod) ([]*unstructured.Unstructured, error) { return jobs.Secrets(p, secrets) },
		[]string{"registry", "product", "catalogue"}, config.Connection)
}

// making is a job that is being made.
type making struct {
	*relocate.Session
	Options
	more map[string]string // settings that the pods get besides
}

// make finishes the pod, has the objects made, and applies them where that is wanted.
func (m *making) make(ctx context.Context, objects func(jobs.Pod) ([]*unstructured.Unstructured, error), groups ...[]string) (*Made, error) {
	if strings.HasPrefix(m.Config.Registry.Host, "localhost") || strings.HasPrefix(m.Config.Registry.Host, "127.") {
		m.Warn(fmt.Sprintf("%s is, to a pod, the pod itself: name the registry as pods reach it", m.Config.Registry.Host))
	}
	pod := m.Pod
	made := &Made{Name: pod.Name, Namespace: pod.Namespace}
	if pod.Image == "" {
		made.OwnImage = m.Config.Registry.Reference("pgrelocate", strings.ReplaceAll(m.Version, "+", "_")).String()
		pod.Image = made.OwnImage
	}
	var err error
	if pod.Files, err = podFiles(ctx, m.Settings, m.more, groups...); err != nil {
		return nil, err
	}
	made.Objects, err = objects(pod)
	if errors.Is(err, jobs.ErrLargePlan) {
		return nil, err
	}
	if err != nil {
		return nil, &exit.UsageError{Err: err}
	}
	if !m.Apply {
		return made, nil
	}
	c, err := reaching.Connect(ctx, m.Session, m.Destination)
	if err != nil {
		return nil, err
	}
	return made, jobs.Apply(ctx, c, made.Objects)
}

// Kinds names the objects, in their order: "ConfigMap mirror".
func (m *Made) Kinds() []string {
	var all []string
	for _, o := range m.Objects {
		all = append(all, o.GetKind()+" "+o.GetName())
	}
	return slices.Clip(all)
}
