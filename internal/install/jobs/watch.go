package jobs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

var jobs = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}

// ErrNoJob: there is no job of that name. ErrDeleted: there is none any more.
var (
	ErrNoJob   = errors.New("there is no such job")
	ErrDeleted = errors.New("it was deleted while it was watched")
)

// Watched is a Job at one moment.
type Watched struct {
	Name, Namespace string
	Shards          []Shard
	// Ended says that the Job is over; Failed, and Reason, that it has failed, and how.
	Ended, Failed bool
	Reason        string
	// Bytes and Artifacts are what the Job says there is to move; 0 where it does not.
	Bytes, Artifacts int64
}

// WatchOptions steer Watch.
type WatchOptions struct {
	Namespace, Name string
	// Every is how often the cluster is asked; 0 means 2 seconds.
	Every time.Duration
	// Meter receives how far all shards are together; it may be nil.
	Meter *registry.Meter
	// Changed is told of each shard whose state has changed; it may be nil.
	Changed func(Shard)
	// Unread is told once why the log of a pod that runs cannot be read: how far it is stays unknown then. It
	// may be nil.
	Unread func(error)
}

// Watch follows a Job until it ends, and returns how; beside an error, how it was seen last. Pods that come and
// go, a log that cannot be read, and a cluster that does not answer for a moment, end nothing.
func Watch(ctx context.Context, c *cluster.Cluster, opts WatchOptions) (*Watched, error) {
	opts.Every = cmp.Or(opts.Every, 2*time.Second)
	if opts.Meter == nil {
		opts.Meter = new(registry.Meter)
	}
	w := &watching{cluster: c, opts: opts, shards: map[int]*Shard{}}
	var last *Watched
	for answered := time.Now(); ; {
		seen, err := w.look(ctx)
		switch {
		case err == nil:
			last, answered = seen, time.Now()
		case last == nil || !passes(err) || ctx.Err() == nil && time.Since(answered) > patience:
			return last, gone(err, last)
		}
		if last.Ended {
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, context.Cause(ctx)
		case <-time.After(opts.Every):
		}
	}
}

// patience is for how long a cluster that has answered may not do so: somebody renews its API server.
const patience = 2 * time.Minute

// passes tells whether an error may be gone the next time.
func passes(err error) bool {
	return !errors.Is(err, ErrNoJob) && !apierrors.IsForbidden(err) && !apierrors.IsUnauthorized(err)
}

// gone is what ended a watch; a job that was there before was deleted.
func gone(err error, last *Watched) error {
	if errors.Is(err, ErrNoJob) && last != nil {
		return fmt.Errorf("job %s in namespace %s: %w", last.Name, last.Namespace, ErrDeleted)
	}
	return err
}

type watching struct {
	cluster *cluster.Cluster
	opts    WatchOptions
	shards  map[int]*Shard
	unread  sync.Once
}

// look asks the cluster once.
func (w *watching) look(ctx context.Context) (*Watched, error) {
	var job batchv1.Job
	found, err := w.cluster.Resource(jobs, w.opts.Namespace).Get(ctx, w.opts.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("%w: %s in namespace %s", ErrNoJob, w.opts.Name, w.opts.Namespace)
	}
	if err != nil {
		return nil, cluster.Explain(fmt.Errorf("reading job %s: %w", w.opts.Name, err))
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(found.Object, &job); err != nil {
		return nil, err
	}
	pods, err := w.cluster.List(ctx, cluster.Pods, w.opts.Namespace, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=" + w.opts.Name})
	if err != nil {
		return nil, err
	}
	var all []*corev1.Pod
	for _, p := range pods {
		pod := new(corev1.Pod)
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(p.Object, pod); err != nil {
			return nil, err
		}
		all = append(all, pod)
	}
	w.take(ctx, &job, all)
	seen := w.seen(&job)
	w.measure(seen)
	return seen, nil
}

// take brings the shards up to date.
func (w *watching) take(ctx context.Context, job *batchv1.Job, pods []*corev1.Pod) {
	count := 1
	if job.Spec.CompletionMode != nil && *job.Spec.CompletionMode == batchv1.IndexedCompletion && job.Spec.Completions != nil {
		count = int(*job.Spec.Completions)
	}
	slices.SortStableFunc(pods, func(a, b *corev1.Pod) int {
		return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
	})
	of := map[int][]*corev1.Pod{}
	for _, pod := range pods {
		index, _ := strconv.Atoi(pod.Annotations[batchv1.JobCompletionIndexAnnotation])
		of[index] = append(of[index], pod)
	}
	completed, failed := indexes(job.Status.CompletedIndexes), indexes(valueOf(job.Status.FailedIndexes))
	for index := range count {
		was := w.shards[index]
		if was == nil {
			was = &Shard{Index: index, State: Waiting}
			w.shards[index] = was
		}
		before := *was
		if len(of[index]) > 0 {
			w.takePods(ctx, was, of[index])
		} else if completed(index) { // the pod is gone, and with it what it has left
			was.State = Succeeded
		}
		was.GivenUp = failed(index) || was.State == Failed && jobFailed(job)
		changed := was.State != before.State || was.Pod != before.Pod || was.Problem != before.Problem || was.GivenUp != before.GivenUp
		if w.opts.Changed != nil && changed {
			w.opts.Changed(*was)
		}
	}
}

// seen is the Job as it stands.
func (w *watching) seen(job *batchv1.Job) *Watched {
	seen := &Watched{Name: job.Name, Namespace: job.Namespace}
	for index := range len(w.shards) {
		if s := w.shards[index]; s != nil {
			seen.Shards = append(seen.Shards, *s)
		}
	}
	seen.Bytes, _ = strconv.ParseInt(job.Annotations[bytesAnnotation], 10, 64)
	seen.Artifacts, _ = strconv.ParseInt(job.Annotations[artifactsAnnotation], 10, 64)
	for _, condition := range job.Status.Conditions {
		if condition.Status != corev1.ConditionTrue {
			continue
		}
		switch condition.Type {
		case batchv1.JobComplete:
			seen.Ended = true
		case batchv1.JobFailed:
			seen.Ended, seen.Failed = true, true
			seen.Reason = condition.Reason + ": " + condition.Message
		}
	}
	return seen
}

// measure adds the shards up. A meter only grows: a shard that is tried again begins at what it had, and
// what it could not do counts as failed once it is given up.
func (w *watching) measure(seen *Watched) {
	var sum Shard
	for _, s := range seen.Shards {
		sum.BytesTotal += s.SentBefore + s.BytesTotal
		sum.BytesDone += s.SentBefore + s.BytesDone
		sum.ArtifactsTotal += s.ArtifactsTotal
		sum.ArtifactsDone += s.ArtifactsDone
		if s.GivenUp {
			sum.ArtifactsFailed += s.ArtifactsFailed
		} else { // these are still to be done
			sum.ArtifactsDone -= s.ArtifactsFailed
		}
	}
	m := w.opts.Meter
	m.BytesTotal.Store(max(m.BytesTotal.Load(), seen.Bytes, sum.BytesTotal))
	m.ArtifactsTotal.Store(max(m.ArtifactsTotal.Load(), seen.Artifacts, sum.ArtifactsTotal))
	m.BytesDone.Store(max(m.BytesDone.Load(), sum.BytesDone))
	m.ArtifactsDone.Store(max(m.ArtifactsDone.Load(), sum.ArtifactsDone))
	m.ArtifactsFailed.Store(max(m.ArtifactsFailed.Load(), sum.ArtifactsFailed))
}

// indexes tells which indexes a list has, as the status of a Job writes them: 1,3-5,7.
func indexes(list string) func(int) bool {
	var all [][2]int
	for part := range strings.SplitSeq(list, ",") {
		low, high, span := strings.Cut(part, "-")
		from, err := strconv.Atoi(low)
		if err != nil {
			continue
		}
		to := from
		if span {
			to, _ = strconv.Atoi(high)
		}
		all = append(all, [2]int{from, to})
	}
	return func(index int) bool {
		return slices.ContainsFunc(all, func(span [2]int) bool { return span[0] <= index && index <= span[1] })
	}
}

func jobFailed(job *batchv1.Job) bool {
	return slices.ContainsFunc(job.Status.Conditions, func(c batchv1.JobCondition) bool {
		return c.Type == batchv1.JobFailed && c.Status == corev1.ConditionTrue
	})
}
