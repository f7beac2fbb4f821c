package jobs

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// objects reads manifests.
func objects(t *testing.T, manifests ...string) (all []*unstructured.Unstructured) {
	t.Helper()
	for _, manifest := range manifests {
		object := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(manifest), &object.Object); err != nil {
			t.Fatal(err)
		}
		all = append(all, object)
	}
	return all
}

const (
	team    = "apiVersion: v1\nkind: Namespace\nmetadata: {name: team}\n"
	account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: mirror, namespace: team}\n"
	mirror  = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: mirror, namespace: team}\n"
)

// patching answers what would apply an object of this name, in a dry run or not.
func patching(name string, dry bool, refusal clustertest.Refusal) func(*http.Request) *clustertest.Refusal {
	return func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/"+name) && (r.URL.Query().Get("dryRun") != "") == dry {
			return &refusal
		}
		return nil
	}
}

// What goes into a cluster goes in whole and in order, into a namespace that comes with it too.
func TestApply(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	for range 2 { // and again
		server.Writes()
		if err := Apply(t.Context(), c, objects(t, team, account, mirror)); err != nil {
			t.Fatalf("Apply() = %v", err)
		}
		want := []string{"PATCH /api/v1/namespaces/team", "PATCH /api/v1/namespaces/team/serviceaccounts/mirror", "PATCH /apis/batch/v1/namespaces/team/jobs/mirror"}
		if got := server.Writes(); !slices.Equal(got, want) {
			t.Errorf("Apply() wrote %q, want %q", got, want)
		}
	}
	if server.Get("jobs.batch", "team", "mirror") == nil {
		t.Error("Apply() made no job")
	}
}

// Where the cluster would not take the last of the objects, none of them changes anything.
func TestApplyAllOrNothing(t *testing.T) {
	for _, tt := range []struct {
		name    string
		refusal clustertest.Refusal
		is      error
		says    string
	}{
		{"another job", clustertest.Refusal{Code: 422, Reason: "Invalid", Message: `Job.batch "mirror" is invalid: spec.template: Invalid value: {...}: field is immutable`}, ErrOtherJob, "applying Job mirror: it is there already, and not the same"},
		{"invalid otherwise", clustertest.Refusal{Code: 422, Reason: "Invalid", Message: "spec.completions: must be positive"}, nil, "must be positive"},
		{"forbidden", clustertest.Refusal{Code: 403, Reason: "Forbidden", Message: "no jobs here"}, cluster.ErrDenied, "applying Job mirror: no jobs here"},
		{"somebody else's field", clustertest.Refusal{Code: 409, Reason: "Conflict", Message: "conflict with argocd"}, nil, "conflict with argocd"},
		{"down", clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "etcd is down"}, nil, "etcd is down"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := clustertest.New(t)
			server.Put(t, team)
			c := server.Connect(t)
			server.Writes()
			server.Refuse(patching("jobs/mirror", true, tt.refusal))
			err := Apply(t.Context(), c, objects(t, account, mirror))
			if err == nil || tt.is != nil && !errors.Is(err, tt.is) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Apply() = %v, want %q", err, tt.says)
			}
			if errors.Is(err, ErrOtherJob) && strings.Contains(err.Error(), "{...}") {
				t.Errorf("Apply() = %v, which repeats the whole job", err)
			}
			if writes := server.Writes(); len(writes) > 0 {
				t.Errorf("Apply() refused, and wrote %q", writes)
			}
		})
	}
}

// A namespace that nobody brings, and a kind that the cluster does not know, are said before anything is done.
func TestApplyWithoutItsPlace(t *testing.T) {
	server := clustertest.New(t)
	c := server.Connect(t)
	server.Writes()
	var missing *cluster.NoNamespaceError
	if err := Apply(t.Context(), c, objects(t, account, mirror)); !errors.As(err, &missing) || missing.Namespace != "team" || err.Error() != "applying ServiceAccount mirror: namespace team does not exist" {
		t.Errorf("Apply() = %v, want that there is no such namespace", err)
	}
	secret := "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: login, namespace: default}\n"
	inDefault := strings.Replace(account, "namespace: team", "namespace: default", 1)
	if err := Apply(t.Context(), c, objects(t, inDefault, secret)); err == nil || !strings.Contains(err.Error(), "the cluster knows no ExternalSecret.external-secrets.io") {
		t.Errorf("Apply() = %v, want that the kind is not known", err)
	}
	if writes := server.Writes(); len(writes) > 0 {
		t.Errorf("Apply() refused, and wrote %q", writes)
	}
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if strings.HasPrefix(r.URL.Path, "/api") {
			return &clustertest.Refusal{Code: 403, Reason: "Forbidden", Message: "no"}
		}
		return nil
	})
	c.Refresh()
	if err := Apply(t.Context(), c, objects(t, inDefault)); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Apply() where nothing may be asked = %v, want ErrDenied", err)
	}
}

// steps lets a watch look, and changes something before each look.
func steps(server *clustertest.Server, each ...func() *clustertest.Refusal) {
	var mu sync.Mutex
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if !strings.HasSuffix(r.URL.Path, "/jobs/mirror") {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if len(each) == 0 {
			return nil
		}
		next := each[0]
		each = each[1:]
		return next()
	})
}

func nothing() *clustertest.Refusal { return nil }

// plain is a job without indexes, with one pod, and how it stands.
func plain(phase, condition string) string {
	return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: mirror, namespace: default}\nspec: {}\nstatus: {conditions: [" + condition + "]}\n---\n" +
		"apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default, labels: {batch.kubernetes.io/job-name: mirror}}\nstatus: {phase: " + phase + "}\n"
}

// A cluster that does not answer for a moment ends nothing; what it says in the end is what counts.
func TestWatchOutlastsAMoment(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, plain("Running", ""))
	c := server.Connect(t)
	away := func() *clustertest.Refusal {
		return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "etcd is down"}
	}
	steps(server, nothing, away, away, func() *clustertest.Refusal {
		server.Put(t, plain("Succeeded", "{type: Complete, status: 'True'}"))
		return nil
	})
	var told []string
	seen, err := Watch(t.Context(), c, WatchOptions{Namespace: "default", Name: "mirror", Every: time.Millisecond, Changed: func(s Shard) { told = append(told, string(s.State)) }})
	if err != nil || !seen.Ended || seen.Failed || !slices.Equal(told, []string{"running", "succeeded"}) {
		t.Errorf("Watch() = %+v, %v, told %q, want that it runs and has succeeded", seen, err, told)
	}
}

// What no waiting mends ends a watch: a permission that is taken away, and a cluster that never answered.
func TestWatchThatCannotGoOn(t *testing.T) {
	forbidden := func() *clustertest.Refusal {
		return &clustertest.Refusal{Code: 403, Reason: "Forbidden", Message: "no more"}
	}
	away := func() *clustertest.Refusal {
		return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "etcd is down"}
	}
	for _, tt := range []struct {
		name   string
		steps  []func() *clustertest.Refusal
		seen   bool
		denied bool
	}{
		{"forbidden later", []func() *clustertest.Refusal{nothing, forbidden}, true, true},
		{"forbidden at once", []func() *clustertest.Refusal{forbidden}, false, true},
		{"never an answer", []func() *clustertest.Refusal{away}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := clustertest.New(t)
			server.Put(t, plain("Running", ""))
			c := server.Connect(t)
			steps(server, tt.steps...)
			seen, err := Watch(t.Context(), c, WatchOptions{Namespace: "default", Name: "mirror", Every: time.Millisecond})
			if err == nil || errors.Is(err, cluster.ErrDenied) != tt.denied || (seen != nil) != tt.seen || !strings.Contains(err.Error(), "reading job mirror") {
				t.Errorf("Watch() = %+v, %v, want ErrDenied %v and what was seen %v", seen, err, tt.denied, tt.seen)
			}
		})
	}
	server := clustertest.New(t)
	server.Put(t, plain("Running", ""))
	server.Deny("list pods")
	if seen, err := Watch(t.Context(), server.Connect(t), WatchOptions{Namespace: "default", Name: "mirror"}); !errors.Is(err, cluster.ErrDenied) || seen != nil {
		t.Errorf("Watch() that may not see pods = %+v, %v, want ErrDenied", seen, err)
	}
}

// That logs cannot be read is told once, and the job is followed all the same; an interrupt tells nothing of logs.
func TestWatchWithoutLogs(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, plain("Running", ""))
	c := server.Connect(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	enough := errors.New("enough")
	looks := 0
	var mu sync.Mutex
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if !strings.HasSuffix(r.URL.Path, "/log") {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		if looks++; looks == 3 {
			cancel(enough)
		}
		return &clustertest.Refusal{Code: 403, Reason: "Forbidden", Message: "no logs"}
	})
	var unread []error
	seen, err := Watch(ctx, c, WatchOptions{Namespace: "default", Name: "mirror", Every: time.Millisecond, Unread: func(err error) { unread = append(unread, err) }})
	if !errors.Is(err, enough) || seen == nil || seen.Shards[0].State != Running {
		t.Errorf("Watch() = %+v, %v, want that it runs, and the interrupt", seen, err)
	}
	if len(unread) != 1 || !errors.Is(unread[0], cluster.ErrDenied) {
		t.Errorf("Watch() told %v of logs, want once that they may not be read", unread)
	}
}

// A pod that hangs says why, in the words of the kubelet.
func TestWatchOfAPodThatHangs(t *testing.T) {
	server := clustertest.New(t)
	hanging := strings.Replace(plain("Pending", ""), "status: {phase: Pending}", "status: {phase: Pending, containerStatuses: [{name: a, image: x, imageID: '', ready: false, restartCount: 0, state: {waiting: {reason: ErrImagePull, message: 'r.example.com/tool:1: not found'}}}]}", 1)
	server.Put(t, hanging)
	c := server.Connect(t)
	steps(server, nothing, func() *clustertest.Refusal {
		server.Put(t, plain("Failed", "{type: Failed, status: 'True', reason: DeadlineExceeded, message: too long}"))
		return nil
	})
	var told []string
	seen, err := Watch(t.Context(), c, WatchOptions{Namespace: "default", Name: "mirror", Every: time.Millisecond, Changed: func(s Shard) { told = append(told, string(s.State)+" "+s.Reason()) }})
	if err != nil || !seen.Failed || seen.Reason != "DeadlineExceeded: too long" || !seen.Shards[0].GivenUp {
		t.Errorf("Watch() = %+v, %v, want that it has failed for good", seen, err)
	}
	if want := []string{"waiting ErrImagePull: r.example.com/tool:1: not found", "failed "}; !slices.Equal(told, want) {
		t.Errorf("Watch() told %q, want %q", told, want)
	}
}
