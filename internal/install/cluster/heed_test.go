package cluster_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// Discovery, like helm, reads without a context: it is let go of when the run's has ended, and what
// is asked after that, to take back what the run did, is answered.
func TestReadsHeedTheRun(t *testing.T) {
	server := clustertest.New(t)
	run, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c, err := cluster.Connect(run, cluster.Access{Kubeconfig: server.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	reached, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if strings.HasPrefix(r.URL.Path, "/api") {
			once.Do(func() { close(reached) })
			<-release
		}
		return nil
	})
	got := make(chan error, 1)
	go func() {
		_, err := c.APIVersions(t.Context())
		got <- err
	}()
	<-reached
	cancel(errors.New("enough"))
	select {
	case err := <-got:
		if err == nil {
			t.Error("APIVersions() = nil from a server that does not answer")
		}
	case <-time.After(20 * time.Second): // less than client-go waits
		t.Error("APIVersions() goes on after the run has ended")
	}
	close(release)
	server.Refuse(nil)
	if _, err := c.APIVersions(t.Context()); err != nil {
		t.Errorf("APIVersions() after the run = %v, want an answer", err)
	}
}

// A change that is under way when the run ends may be done: its answer is waited for, so that what is said of it is
// true, and what takes it back comes after it.
func TestWritesAreAnswered(t *testing.T) {
	server := clustertest.New(t)
	c, err := cluster.Connect(t.Context(), cluster.Access{Kubeconfig: server.Kubeconfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	run, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPost {
			cancel(enough)
			select {
			case <-r.Context().Done(): // nobody waits
			case <-time.After(20 * time.Millisecond):
			}
		}
		return nil
	})
	if made, err := c.EnsureNamespace(run, "late", cluster.Owner{}); !made || err != nil {
		t.Errorf("EnsureNamespace() = %t, %v, want what the server says", made, err)
	}
	if _, err := c.EnsureNamespace(run, "later", cluster.Owner{}); err == nil {
		t.Error("EnsureNamespace() after the end of the run = nil")
	}
	if all := server.All(); slices.Contains(all, "namespaces later") {
		t.Errorf("after the end of the run there are %q", all)
	}
}
