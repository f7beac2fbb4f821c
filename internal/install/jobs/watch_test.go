package jobs

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/registry"
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
status: {conditions: [{type: %s, status: "True", reason: FailedIndexes, message: Job has failed indexes}]}
`, condition))
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
	pod("b", 1, 1, "Failed", "OOMKilled")
	pod("c", 1, 2, "Succeeded", `{"status":1,"command":"copy","exitCode":0,"shard":"2/3","tagged":true,"results":{"copied":3},"movedBytes":1500,"durationSeconds":2}`)
	pod("d", 2, 1, "Failed", `{"status":1,"command":"copy","exitCode":4,"shard":"3/3","results":{"copied":1,"failed":1},"durationSeconds":2,"error":"no"}`)
	c, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: server.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Of a job's pods the newest of each index counts, or the one that has succeeded.
func TestWatch(t *testing.T) {
	meter := new(registry.Meter)
	var told []string
	seen, err := Watch(t.Context(), watched(t, "Failed"), WatchOptions{Namespace: "default", Name: "mirror", Meter: meter, Changed: func(s Shard) {
		told = append(told, fmt.Sprintf("%d %s %s", s.Index, s.State, s.Pod))
	}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"0 succeeded a", "1 succeeded c", "2 failed d"}, told); diff != "" {
		t.Errorf("Watch() told (-want +got):\n%s", diff)
	}
	if !seen.Ended || !seen.Failed || seen.Reason != "FailedIndexes: Job has failed indexes" || seen.Shards[1].Pods != 2 || seen.Shards[2].Status.ExitCode != 4 {
		t.Errorf("Watch() = %+v", seen)
	}
	got := []int64{meter.BytesTotal.Load(), meter.BytesDone.Load(), meter.ArtifactsTotal.Load(), meter.ArtifactsDone.Load(), meter.ArtifactsFailed.Load()}
	if diff := cmp.Diff([]int64{3000, 2500, 9, 9, 1}, got); diff != "" {
		t.Errorf("the meter (-want +got):\n%s", diff)
	}
}

func TestWatchSucceeded(t *testing.T) {
	seen, err := Watch(t.Context(), watched(t, "Complete"), WatchOptions{Namespace: "default", Name: "mirror"})
	if err != nil || !seen.Ended || seen.Failed {
		t.Errorf("Watch() = %+v, %v, want that it has succeeded", seen, err)
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

// What a pod logs besides events, and artifacts that are done, says nothing of how far it is.
func TestShardRead(t *testing.T) {
	s := Shard{}
	s.read([]byte("text\n{\"event\":\"planned\",\"artifacts\":5,\"bytesToMove\":70}\n{\"event\":\"progress\",\"bytesTotal\":70,\"bytesDone\":30,\"artifactsTotal\":5,\"artifactsDone\":2}\n{\"event\":\"item\",\"bytesDone\":1}\n{\"event\":"))
	if s.BytesTotal != 70 || s.BytesDone != 30 || s.ArtifactsTotal != 5 || s.ArtifactsDone != 2 {
		t.Errorf("read() = %+v", s)
	}
}

func contextAfter(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}
