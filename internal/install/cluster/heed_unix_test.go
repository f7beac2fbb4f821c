//go:build unix

package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

const hangingPlugin = `
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/sh,
  args: ["-c", "echo > \"$0\"; exec sleep 60 >/dev/null 2>&1", %q]}}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
`

// A kubeconfig that never comes, and a credential plugin that hangs, keep nobody who has had enough.
func TestConnectHeedsItsContext(t *testing.T) {
	enough := errors.New("enough")
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	begun, plugin := filepath.Join(dir, "begun"), filepath.Join(dir, "plugin")
	if err := os.WriteFile(plugin, fmt.Appendf(nil, hangingPlugin, begun), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(over <-chan struct{}){
		pipe: func(<-chan struct{}) {
			if f, err := os.OpenFile(pipe, os.O_WRONLY, 0); err == nil { // which waits for a reader
				t.Cleanup(func() { _ = f.Close() })
			}
		},
		plugin: func(over <-chan struct{}) {
			for {
				if _, err := os.Stat(begun); err == nil {
					return
				}
				select {
				case <-over:
					return
				case <-time.After(10 * time.Millisecond):
				}
			}
		},
	}
	for kubeconfig, reached := range tests {
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		got, over := make(chan error, 1), make(chan struct{})
		go func() {
			defer close(over)
			_, err := cluster.Connect(ctx, cluster.Access{Kubeconfig: kubeconfig})
			got <- err
		}()
		reached(over)
		cancel(enough)
		select {
		case err := <-got:
			if !errors.Is(err, enough) {
				t.Errorf("Connect(%s) = %v, want the context's cause", filepath.Base(kubeconfig), err)
			}
		case <-time.After(10 * time.Second): // less than the cluster has to answer
			t.Errorf("Connect(%s) goes on after its context has ended", filepath.Base(kubeconfig))
		}
	}
}
