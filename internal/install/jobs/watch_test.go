package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

// watched is a server with a job of three shards, of which the second was tried twice.
func watched(t *testing.T, condition string) *cluster.Cluster {
	t.Helper()
	server := clustertest.New(t)
	server.Put(t, fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: mirror, namespace: default, annotations: {pgrelocate.io/bytes: "3000", pgrelocate.io/artifacts: "9"}}
spec: {completionMode: Indexed, completions: 3}
status: {%s, conditions: [{type: %s, status: "True", reason: FailedIndexes, message: Job has failed indexes}]}
`, map[bool]string{true: `failedIndexes: "2", completedIndexes: 0-1`, false: "active: 1"}[condition == "Failed"], condition))
	pod := func(name string, index, minute int, phase, message string) {
		server.Put(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata:
  name: %s
  namespace: default
  creationTimestamp: "2026-11-27T02:%02d:00Z"
  labels: {batch.kubernetes.io/job-name: mirror}
  annotations: {batch.kubernetes.io/job-completion-index: "%d"}
status:
  phase: %s
  containerStatuses: [{name: pgrelocate, state: {terminated: {exitCode: 0, message: %q}}}]
`, name, minute, index, phase, message))
	}
	pod("a", 0, 1, "Succeeded", `{"status":1,"command":"copy","exitCode":0,"shard":"1/3","results":{"copied":4},"movedBytes":1000,"fetchedBytes":900,"durationSeconds":2}`)
	pod("b", 1, 1, "Failed", `{"status":1,"command":"copy","exitCode":3,"shard":"2/3","results":{"copied":1,"failed":2},"movedBytes":200,"fetchedBytes":300,"durationSeconds":2,"error":"2 of 3 artifacts failed"}`)
	pod("c", 1, 2, "Succeeded", `{"status":1,"command":"copy","exitCode":0,"shard":"2/3","tagged":true,"results":{"copied":3},"movedBytes":1500,"durationSeconds":2}`)
	pod("d", 2, 1, "Failed", `{"status":1,"command":"copy","exitCode":4,"shard":"3/3","results":{"copied":1,"failed":1},"durationSeconds":2,"error":"no"}`)
	return server.Connect(t)
}

// Of a job's pods the newest of each index counts, or the one that has succeeded.
func TestWatch(t *testing.T) {
	meter := new(registry.Meter)
	var told []string
	seen, err := Watch(t.Context(), watched(t, "Failed"), WatchOptions{Namespace: "default", Name: "mirror", Meter: meter, Changed: func(s Shard) {
		told = append(told, fmt.Sprintf("%d %s %s%s", s.Index, s.State, s.Pod, map[bool]string{true: ", given up"}[s.GivenUp]))
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0 succeeded a", "1 succeeded c", "2 failed d, given up"}, told); diff != "" {
		t.Errorf("Watch() told (-want +got):\n%s", diff)
	}
	if !seen.Ended || !seen.Failed || seen.Reason != "FailedIndexes: Job has failed indexes" || seen.Shards[1].Pods != 2 || seen.Shards[2].Status.ExitCode != 4 {
		t.Errorf("Watch() = %+v", seen)
	}
	// What the pod before has moved is the shard's, and what it could not do is nobody's any more.
	if second := seen.Shards[1]; second.SentBefore != 200 || second.FetchedBefore != 300 || second.Status.ExitCode != 0 || second.ArtifactsFailed != 0 {
		t.Errorf("Watch() = %+v of the shard that was tried again", second)
	}
	got := []int64{meter.BytesTotal.Load(), meter.BytesDone.Load(), meter.ArtifactsTotal.Load(), meter.ArtifactsDone.Load(), meter.ArtifactsFailed.Load()}
	if diff := cmp.Diff([]int64{3000, 2700, 9, 9, 1}, got); diff != "" {
		t.Errorf("the meter (-want +got):\n%s", diff)
	}
}

func TestWatchSucceeded(t *testing.T) {
	seen, err := Watch(t.Context(), watched(t, "Complete"), WatchOptions{Namespace: "default", Name: "mirror"})
	if err != nil || !seen.Ended || seen.Failed {
		t.Errorf("Watch() = %+v, %v, want that it has succeeded", seen, err)
	}
}

// A shard is told of as it goes: that it failed and why, that it is tried again, and what was left by
// one pod is not the next one's.
func TestWatchTriesAgain(t *testing.T) {
	started := func(name string, minute int, phase corev1.PodPhase, ended *corev1.ContainerStateTerminated) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default", CreationTimestamp: metav1.Unix(int64(minute), 0)},
			Status:     corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Terminated: ended}}}},
		}
	}
	left := &corev1.ContainerStateTerminated{ExitCode: 3, Message: `{"status":1,"command":"copy","exitCode":3,"results":{"failed":2},"movedBytes":7,"fetchedBytes":8,"error":"no"}`}
	first := started("a", 1, corev1.PodFailed, left)
	killed := started("b", 2, corev1.PodFailed, &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "OOMKilled"})
	evicted := started("c", 3, corev1.PodFailed, nil)
	evicted.Status.Reason, evicted.Status.Message = "Evicted", "The node was low on memory."
	w := &watching{cluster: watched(t, "Suspended"), opts: WatchOptions{Meter: new(registry.Meter)}, shards: map[int]*Shard{}}
	var told []string
	w.opts.Changed = func(s Shard) {
		word := s.Problem
		if s.Status != nil {
			word = s.Status.Error
		}
		told = append(told, fmt.Sprintf("%s %s, try %d: %s; %d artifacts failed, %d bytes before", s.Pod, s.State, s.Pods, word, s.ArtifactsFailed, s.SentBefore))
	}
	job := &batchv1.Job{}
	for _, pods := range [][]*corev1.Pod{{first}, {first}, {killed, first}, {evicted, killed, first}, {started("d", 4, corev1.PodSucceeded, nil), evicted, killed, first}} {
		w.take(t.Context(), job, pods)
		w.measure(w.seen(job))
	}
	want := []string{
		"a failed, try 1: no; 2 artifacts failed, 0 bytes before",
		"b failed, try 2: OOMKilled, exit code 137; 0 artifacts failed, 7 bytes before",
		"c failed, try 3: Evicted: The node was low on memory.; 0 artifacts failed, 7 bytes before",
		"d succeeded, try 4: ; 0 artifacts failed, 7 bytes before",
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("it told (-want +got):\n%s", diff)
	}
	if failed := w.opts.Meter.ArtifactsFailed.Load(); failed != 0 {
		t.Errorf("%d artifacts count as failed, want none: nothing was given up", failed)
	}
}

func TestIndexes(t *testing.T) {
	in := indexes("1,3-5,7,x,9-")
	for index, want := range []bool{false, true, false, true, true, true, false, true, false, false} {
		if in(index) != want {
			t.Errorf("indexes(%d) = %t, want %t", index, in(index), want)
		}
	}
	if indexes("")(0) {
		t.Error("an empty list has an index")
	}
}

// A job that goes on is followed until somebody has enough.
func TestWatchEnds(t *testing.T) {
	c := watched(t, "Suspended")
	ctx, cancel := contextAfter(t, 100*time.Millisecond)
	defer cancel()
	if _, err := Watch(ctx, c, WatchOptions{Namespace: "default", Name: "mirror", Every: 10 * time.Millisecond}); err == nil {
		t.Error("Watch() of a job that goes on = nil, want the context's error")
	}
	if _, err := Watch(t.Context(), c, WatchOptions{Namespace: "default", Name: "other"}); !errors.Is(err, ErrNoJob) {
		t.Errorf("Watch(another) = %v, want %v", err, ErrNoJob)
	}
}

// A job that is deleted is no job that never was.
func TestWatchDeleted(t *testing.T) {
	c := watched(t, "Suspended")
	remove := sync.OnceFunc(func() {
		if err := c.Resource(jobs, "default").Delete(t.Context(), "mirror", metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	seen, err := Watch(t.Context(), c, WatchOptions{Namespace: "default", Name: "mirror", Every: time.Millisecond, Changed: func(Shard) { remove() }})
	if !errors.Is(err, ErrDeleted) || errors.Is(err, ErrNoJob) || seen == nil || len(seen.Shards) != 3 {
		t.Errorf("Watch() of a job that is deleted = %+v, %v, want what was seen of it and %v", seen, err, ErrDeleted)
	}
}

// What a pod logs besides events, and artifacts that are done, says nothing of how far it is.
func TestShardRead(t *testing.T) {
	s := Shard{}
	s.read([]byte("text\n{\"event\":\"planned\",\"artifacts\":5,\"bytesToMove\":70}\n{\"event\":\"progress\",\"bytesTotal\":70,\"bytesDone\":30,\"artifactsTotal\":5,\"artifactsDone\":2}\n{\"event\":\"item\",\"bytesDone\":1}\n{\"event\":"))
	s.read([]byte("{\"event\":\"item\",\"failed\":true,\"reason\":\"403 Forbidden\"}\n{\"event\":\"item\",\"failed\":true,\"reason\":\"another\"}\n"))
	s.Status = &shard.Status{Error: "2 of 5 artifacts failed"}
	if got, want := s.Reason(), "2 of 5 artifacts failed, the first for: 403 Forbidden"; got != want {
		t.Errorf("Reason() = %q, want %q", got, want)
	}
	if s.BytesTotal != 70 || s.BytesDone != 30 || s.ArtifactsTotal != 5 || s.ArtifactsDone != 2 {
		t.Errorf("read() = %+v", s)
	}
}

func contextAfter(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
