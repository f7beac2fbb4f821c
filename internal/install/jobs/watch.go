package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

var jobs = schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}

// logLines is how much of a pod's log is read to find how far it is: artifacts have a line each between
// two lines that say so.
const logLines = 200

// ErrNoJob: there is no job of that name.
var ErrNoJob = errors.New("there is no such job")

// State is what a shard's newest pod is at.
type State string

// The states of a shard.
const (
	Waiting   State = "waiting"
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed"
)

// Shard is one index of a Job, or the whole of one that has none.
type Shard struct {
	Index int
	State State
	// Pod is the newest of the shard's pods; empty where there is none yet. Pods is how many there have been.
	Pod  string
	Pods int
	// Problem is what holds the pod up; empty where nothing does.
	Problem string
	// Status is how it ended; nil while it runs, or where it left nothing.
	Status *shard.Status
	// BytesTotal and the like are how far it is.
	BytesTotal, BytesDone, ArtifactsTotal, ArtifactsDone, ArtifactsFailed int64
	logged                                                                bool
}

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
}

// Watch follows a Job until it ends, and returns how. Pods that come and go, and a log that cannot be
// read, end nothing.
func Watch(ctx context.Context, c *cluster.Cluster, opts WatchOptions) (*Watched, error) {
	opts.Every = cmp.Or(opts.Every, 2*time.Second)
	if opts.Meter == nil {
		opts.Meter = new(registry.Meter)
	}
	w := &watching{cluster: c, opts: opts, shards: map[int]*Shard{}}
	for {
		seen, err := w.look(ctx)
		if err != nil || seen.Ended {
			return seen, err
		}
		select {
		case <-ctx.Done():
			return seen, context.Cause(ctx)
		case <-time.After(opts.Every):
		}
	}
}

type watching struct {
	cluster *cluster.Cluster
	opts    WatchOptions
	shards  map[int]*Shard
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
	newest, tries := map[int]*corev1.Pod{}, map[int]int{}
	for _, pod := range pods {
		index, _ := strconv.Atoi(pod.Annotations[batchv1.JobCompletionIndexAnnotation])
		tries[index]++
		if was := newest[index]; was == nil || was.Status.Phase != corev1.PodSucceeded {
			newest[index] = pod
		}
	}
	for index := range count {
		was := w.shards[index]
		if was == nil {
			was = &Shard{Index: index, State: Waiting}
			w.shards[index] = was
		}
		pod := newest[index]
		if pod == nil { // none yet, or the job has removed it
			continue
		}
		before := *was
		was.Pods = tries[index]
		w.takePod(ctx, was, pod)
		if w.opts.Changed != nil && (was.State != before.State || was.Pod != before.Pod || was.Problem != before.Problem) {
			w.opts.Changed(*was)
		}
	}
}

func (w *watching) takePod(ctx context.Context, s *Shard, pod *corev1.Pod) {
	s.Pod, s.Problem = pod.Name, ""
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		s.State = Succeeded
	case corev1.PodFailed:
		s.State = Failed
	case corev1.PodRunning:
		s.State = Running
	default:
		s.State = Waiting
		s.Problem, _ = readiness.PodProblem(ctx, w.cluster, pod)
	}
	for _, c := range pod.Status.ContainerStatuses {
		if ended := c.State.Terminated; ended != nil {
			if status, ok := shard.ParseStatus(ended.Message); ok {
				s.Status = &status
			}
		}
	}
	over := s.State == Succeeded || s.State == Failed
	if s.State == Waiting || over && s.logged {
		return
	}
	if text, err := w.cluster.LogTail(ctx, pod.Namespace, pod.Name, logLines); err == nil {
		s.read(text)
		s.logged = over
	}
	if over && s.Status != nil {
		s.conclude(s.Status)
	}
}

// conclude takes from what a shard has left how far it came, where its log does not say so, or cannot
// be read.
func (s *Shard) conclude(left *shard.Status) {
	var done int64
	for _, n := range left.Results {
		done += int64(n)
	}
	s.ArtifactsDone, s.ArtifactsTotal = max(done, s.ArtifactsDone), max(done, s.ArtifactsTotal)
	s.ArtifactsFailed = max(s.ArtifactsFailed, int64(left.Results["failed"]))
	if left.MovedBytes != nil {
		s.BytesDone = max(s.BytesDone, *left.MovedBytes)
		s.BytesTotal = max(s.BytesTotal, s.BytesDone)
	}
}

// read finds in a log of events how far a shard is.
func (s *Shard) read(log []byte) {
	for line := range bytes.Lines(log) {
		var event struct {
			Event                                                                 string
			BytesTotal, BytesDone, ArtifactsTotal, ArtifactsDone, ArtifactsFailed int64
			Artifacts, BytesToMove                                                int64
		}
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		switch event.Event {
		case "planned":
			s.BytesTotal, s.ArtifactsTotal = event.BytesToMove, event.Artifacts
		case "progress":
			s.BytesTotal, s.BytesDone = event.BytesTotal, event.BytesDone
			s.ArtifactsTotal, s.ArtifactsDone, s.ArtifactsFailed = event.ArtifactsTotal, event.ArtifactsDone, event.ArtifactsFailed
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

// measure adds the shards up. A meter only grows: a shard that is tried again begins at what it had.
func (w *watching) measure(seen *Watched) {
	var sum Shard
	for _, s := range seen.Shards {
		sum.BytesTotal += s.BytesTotal
		sum.BytesDone += s.BytesDone
		sum.ArtifactsTotal += s.ArtifactsTotal
		sum.ArtifactsDone += s.ArtifactsDone
		sum.ArtifactsFailed += s.ArtifactsFailed
	}
	m := w.opts.Meter
	m.BytesTotal.Store(max(m.BytesTotal.Load(), seen.Bytes, sum.BytesTotal))
	m.ArtifactsTotal.Store(max(m.ArtifactsTotal.Load(), seen.Artifacts, sum.ArtifactsTotal))
	m.BytesDone.Store(max(m.BytesDone.Load(), sum.BytesDone))
	m.ArtifactsDone.Store(max(m.ArtifactsDone.Load(), sum.ArtifactsDone))
	m.ArtifactsFailed.Store(max(m.ArtifactsFailed.Load(), sum.ArtifactsFailed))
}
