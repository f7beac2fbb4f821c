package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

// logLines is how much of a pod's log is read to find how far it is: artifacts have a line each between
// two lines that say so.
const logLines = 200

// PodPhase is what a shard's newest pod is at.
type PodPhase string

// The states of a shard.
const (
	Waiting   PodPhase = "waiting"
	Running   PodPhase = "running"
	Succeeded PodPhase = "succeeded"
	Failed    PodPhase = "failed"
)

// Shard is one index of a Job, or the whole of one that has none.
type Shard struct {
	Index int
	State PodPhase
	// Pod is the newest of the shard's pods; empty where there is none. Pods is how many there have been.
	Pod  string
	Pods int
	// GivenUp says that it has failed for good: Kubernetes does not try it again.
	GivenUp bool
	// Problem is what holds the pod up, or has ended it without a word of its own; empty where nothing does.
	Problem string
	// Status is how the pod ended; nil while it runs, or where it left nothing. Cause is why the first
	// artifact failed that did, where its log says so.
	Status *shard.Status
	Cause  string
	// BytesTotal and the like are how far the pod is.
	BytesTotal, BytesDone, ArtifactsTotal, ArtifactsDone, ArtifactsFailed int64
	// SentBefore and FetchedBefore are bytes of blobs that the pods before it have moved, as far as they
	// have left word.
	SentBefore, FetchedBefore int64
	logged                    bool
}

// takePods takes from the pods of a shard, of which there is one at least, how it stands: the newest
// counts, or the one that has succeeded.
func (w *watching) takePods(ctx context.Context, s *Shard, pods []*corev1.Pod) {
	newest := pods[len(pods)-1]
	if at := slices.IndexFunc(pods, func(p *corev1.Pod) bool { return p.Status.Phase == corev1.PodSucceeded }); at >= 0 {
		newest = pods[at]
	}
	if s.Pod != newest.Name {
		*s = Shard{Index: s.Index, State: s.State, Pod: newest.Name}
	}
	s.Pods, s.SentBefore, s.FetchedBefore = len(pods), 0, 0
	for _, pod := range pods {
		if left := leftBy(pod); pod != newest && left != nil {
			s.SentBefore += valueOf(left.MovedBytes)
			s.FetchedBefore += valueOf(left.FetchedBytes)
		}
	}
	w.takePod(ctx, s, newest)
}

// leftBy is how a pod says that it ended; nil where it says nothing.
func leftBy(pod *corev1.Pod) *shard.Status {
	for _, c := range pod.Status.ContainerStatuses {
		if c.State.Terminated == nil {
			continue
		}
		if status, ok := shard.ParseStatus(c.State.Terminated.Message); ok {
			return &status
		}
	}
	return nil
}

// endOf is how Kubernetes says that a pod ended which has left no word: killed for want of memory, evicted.
func endOf(pod *corev1.Pod) string {
	for _, c := range pod.Status.ContainerStatuses {
		if ended := c.State.Terminated; ended != nil {
			return fmt.Sprintf("%s, exit code %d", cmp.Or(ended.Reason, "ended"), ended.ExitCode)
		}
	}
	return strings.Join(slices.DeleteFunc([]string{pod.Status.Reason, pod.Status.Message}, func(s string) bool { return s == "" }), ": ")
}

// takePod takes from one pod how the shard stands.
func (w *watching) takePod(ctx context.Context, s *Shard, pod *corev1.Pod) {
	s.Problem, s.Status = "", leftBy(pod)
	switch pod.Status.Phase {
	case corev1.PodSucceeded:
		s.State = Succeeded
	case corev1.PodFailed:
		s.State = Failed
		if s.Status == nil {
			s.Problem = endOf(pod)
		}
	case corev1.PodRunning:
		s.State = Running
	default:
		s.State = Waiting
		s.Problem, _ = readiness.PodProblem(ctx, w.cluster, pod)
	}
	over := s.State == Succeeded || s.State == Failed
	if s.State == Waiting || over && s.logged {
		return
	}
	text, err := w.cluster.LogTail(ctx, pod.Namespace, pod.Name, logLines)
	switch {
	case err == nil:
		s.read(text)
		s.logged = over
	case !over && w.opts.Unread != nil && ctx.Err() == nil:
		w.unread.Do(func() { w.opts.Unread(err) })
	}
	if over && s.Status != nil {
		s.conclude(s.Status)
	}
}

// Reason is why a shard stands still or has failed, in the pod's own words where it has left some; empty
// where all is well.
func (s Shard) Reason() string {
	if s.Status == nil || s.Status.Error == "" {
		return s.Problem
	}
	if s.Cause == "" {
		return s.Status.Error
	}
	return s.Status.Error + ", the first for: " + s.Cause
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
			Failed                                                                bool
			Reason                                                                string
		}
		if json.Unmarshal(line, &event) != nil {
			continue
		}
		switch event.Event {
		case "planned":
			s.BytesTotal, s.ArtifactsTotal = event.BytesToMove, event.Artifacts
		case "item":
			if event.Failed {
				s.Cause = cmp.Or(s.Cause, event.Reason)
			}
		case "progress":
			s.BytesTotal, s.BytesDone = event.BytesTotal, event.BytesDone
			s.ArtifactsTotal, s.ArtifactsDone, s.ArtifactsFailed = event.ArtifactsTotal, event.ArtifactsDone, event.ArtifactsFailed
		}
	}
}

// valueOf is what a pointer leads to; the zero value where it leads nowhere.
func valueOf[T any](p *T) (value T) {
	if p != nil {
		value = *p
	}
	return value
}
