package cluster_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

func namespace(name, metadata string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", " + metadata + "}\n"
}

// following runs EachNamespace and hands on what it tells, until the test ends. Nothing but an event makes it
// look again before the test is over.
func following(t *testing.T, c *cluster.Cluster, every time.Duration) (rounds <-chan string, failures <-chan error) {
	t.Helper()
	told, failed := make(chan string), make(chan error)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		select {
		case <-over:
		case <-time.After(20 * time.Second):
			t.Error("EachNamespace() goes on after its context has ended")
		}
	})
	go func() {
		defer close(over)
		c.EachNamespace(ctx, "team=a", every, func(names []string) {
			select {
			case told <- strings.Join(names, " "):
			case <-ctx.Done():
			}
		}, func(err error) {
			select {
			case failed <- err:
			case <-ctx.Done():
			}
		})
	}()
	return told, failed
}

// next is what comes next; generous, for a slow machine.
func next[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(30 * time.Second):
		t.Fatalf("no %s came", what)
		panic("unreachable")
	}
}

// A namespace that comes, or is given the label, gets what it needs at once, and not an hour later; one on its
// way out gets nothing, for the API server would refuse it.
func TestEachNamespaceGoesByEvents(t *testing.T) {
	t.Parallel()
	server := clustertest.New(t)
	server.Put(t, namespace("one", "labels: {team: a}")+"---\n"+namespace("other", "labels: {team: b}")+"---\n"+
		namespace("leaving", "labels: {team: a}, deletionTimestamp: '2026-01-01T00:00:00Z'"))
	rounds, _ := following(t, server.Connect(t), time.Hour)
	for _, step := range []struct{ put, want string }{
		{"", "one"},
		{namespace("two", "labels: {team: a}"), "one two"},
		{namespace("other", "labels: {team: a}"), "one other two"},
	} {
		if step.put != "" {
			server.Put(t, step.put)
		}
		if got := next(t, rounds, "round"); got != step.want {
			t.Errorf("EachNamespace() is told %q, want %q", got, step.want)
		}
	}
}

// An API server that fails is told of and asked again, and one that grants no watch is asked every so often.
func TestEachNamespaceGoesOn(t *testing.T) {
	t.Parallel()
	server := clustertest.New(t)
	server.Put(t, namespace("one", "labels: {team: a}"))
	c := server.Connect(t)
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.URL.Path == "/api/v1/namespaces" {
			return &clustertest.Refusal{Code: http.StatusForbidden, Reason: "Forbidden", Message: "not now"}
		}
		return nil
	})
	rounds, failures := following(t, c, 10*time.Millisecond)
	for range 2 {
		if err := next(t, failures, "failure"); !errors.Is(err, cluster.ErrDenied) || !strings.Contains(err.Error(), "listing namespaces") {
			t.Errorf("EachNamespace() fails with %v, want ErrDenied for the list", err)
		}
	}
	server.Deny("watch namespaces")
	server.Refuse(nil)
	for {
		select {
		case err := <-failures: // one that was under way
			if !errors.Is(err, cluster.ErrDenied) {
				t.Errorf("EachNamespace() fails with %v, want ErrDenied", err)
			}
			continue
		case got := <-rounds:
			if got != "one" {
				t.Errorf("EachNamespace() is told %q, want one", got)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("EachNamespace() does not ask again")
		}
		break
	}
	server.Put(t, namespace("two", "labels: {team: a}"))
	if got := next(t, rounds, "round"); got != "one two" {
		t.Errorf("EachNamespace() without a watch is told %q, want both", got)
	}
}

func TestNamespacesWith(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, namespace("one", "labels: {team: a}")+"---\n"+namespace("two", "labels: {team: b}")+"---\n"+
		namespace("leaving", "labels: {team: a}, deletionTimestamp: '2026-01-01T00:00:00Z'"))
	c := server.Connect(t)
	for selector, want := range map[string]string{"team=a": "one", "team in (a,b)": "one two", "team=c": "", "!team": "default"} {
		if err := cluster.CheckSelector(selector); err != nil {
			t.Errorf("CheckSelector(%s) = %v", selector, err)
		}
		if got, err := c.NamespacesWith(t.Context(), selector); err != nil || strings.Join(got, " ") != want {
			t.Errorf("NamespacesWith(%s) = %q, %v, want %q", selector, got, err, want)
		}
	}
	for _, selector := range []string{"team==a,", "team in a", "a b", "Team/=/x"} {
		if err := cluster.CheckSelector(selector); err == nil {
			t.Errorf("CheckSelector(%s) = nil, want an error", selector)
		}
	}
	server.Deny("list namespaces")
	if got, err := c.NamespacesWith(t.Context(), "team=a"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("NamespacesWith() forbidden = %q, %v, want ErrDenied", got, err)
	}
}
