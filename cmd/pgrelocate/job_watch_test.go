package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// watchedJob puts a job of two shards into a cluster, of which the second has left a status.
func watchedJob(t *testing.T, condition, phase, status string) *clustertest.Server {
	t.Helper()
	server := clustertest.New(t)
	server.Put(t, fmt.Sprintf(`
apiVersion: batch/v1
kind: Job
metadata: {name: first, namespace: mirror}
spec: {completionMode: Indexed, completions: 2}
status: {conditions: [{type: %s, status: "True", reason: FailedIndexes, message: Job has failed indexes}]}
`, condition))
	for index, pod := range []struct{ phase, status string }{
		{"Succeeded", `{"status":1,"command":"copy","exitCode":0,"shard":"1/2","results":{"copied":12},"movedBytes":1048576,"fetchedBytes":1048576,"durationSeconds":2.5}`},
		{phase, status},
	} {
		server.Put(t, fmt.Sprintf(`
apiVersion: v1
kind: Pod
metadata:
  name: first-%d
  namespace: mirror
  labels: {batch.kubernetes.io/job-name: first}
  annotations: {batch.kubernetes.io/job-completion-index: "%[1]d"}
status: {phase: %s, containerStatuses: [{name: pgrelocate, state: {terminated: {exitCode: 0, message: %q}}}]}
`, index, pod.phase, pod.status))
	}
	return server
}

func watchJob(t *testing.T, server *clustertest.Server, more ...string) (code int, out, messages string) {
	t.Helper()
	streams, stdout, stderr := terminal.Test("")
	args := append([]string{"job", "watch", "first", "-n", "mirror", "--kubeconfig=" + server.Kubeconfig(t)}, more...)
	code = run(t.Context(), args, streams)
	return code, stdout.String(), stderr.String()
}

// A job that has succeeded ends the watching with 0, one that has failed with 3 and what its parts have
// left; and nothing in the cluster is changed.
func TestJobWatch(t *testing.T) {
	elsewhere(t)
	server := watchedJob(t, "Complete", "Succeeded", `{"status":1,"command":"copy","exitCode":0,"shard":"2/2","tagged":true,"results":{"copied":11},"movedBytes":2097152,"fetchedBytes":2097152,"durationSeconds":3}`)
	code, out, messages := watchJob(t, server)
	if code != exit.OK || !strings.Contains(out, "job first succeeded: 3.0 MiB fetched, 3.0 MiB sent, all is tagged\n") || !strings.Contains(messages, "shard 1 succeeded\n") {
		t.Errorf("job watch = %d\n%s\n%s", code, out, messages)
	}
	if code, out, _ := watchJob(t, server, "--events=-"); code != exit.OK || !strings.Contains(out, `"event":"finished"`) || !strings.Contains(out, `"kind":"shard"`) {
		t.Errorf("job watch --events - = %d\n%s", code, out)
	}
	server = watchedJob(t, "Failed", "Failed", `{"status":1,"command":"copy","exitCode":4,"shard":"2/2","durationSeconds":1,"error":"source: authentication refused"}`)
	code, out, messages = watchJob(t, server)
	if code != exit.Partial || !strings.Contains(out, "job first failed: ") || !strings.Contains(messages, "failed: shard 1: source: authentication refused\n") {
		t.Errorf("job watch of a failed job = %d\n%s\n%s", code, out, messages)
	}
	if writes := server.Writes(); len(writes) > 0 {
		t.Errorf("job watch wrote %v to the cluster, want nothing", writes)
	}
}
