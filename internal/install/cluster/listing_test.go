package cluster_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// many is one more than two pages of an API server.
const many = 1001

// crowded is a server with many databases, each in one of three namespaces, under the numbers of their
// making.
func crowded(t *testing.T) *clustertest.Server {
	t.Helper()
	server := clustertest.New(t)
	server.Put(t, crd)
	var all strings.Builder
	for n := range many {
		fmt.Fprintf(&all, "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: db-%04d, namespace: team-%d}\n---\n", n, n%3)
	}
	server.Put(t, all.String())
	return server
}

// Databases that lie behind the first page are found too: an uninstall that overlooks one leaves it alone with
// nobody.
func TestListsGoThroughAllPages(t *testing.T) {
	server := crowded(t)
	c := server.Connect(t)
	instances, err := c.Instances(t.Context(), dbKind)
	if err != nil || len(instances) != many {
		t.Fatalf("Instances() = %d, %v, want %d", len(instances), err, many)
	}
	if first, last := instances[0].String(), instances[many-1].String(); first != "team-0/db-0000" || last != "team-2/db-0998" {
		t.Errorf("Instances() goes from %s to %s, want them in order", first, last)
	}
	objects, err := c.Objects(t.Context(), dbKind)
	if err != nil || len(objects) != many {
		t.Errorf("Objects() = %d, %v, want %d", len(objects), err, many)
	}
	dbs := schema.GroupVersionResource{Group: "lab.example.com", Version: "v1", Resource: "dbs"}
	for enough, want := range map[int]int{1: 500, 501: 1000, many: many} {
		seen := 0
		err := c.EachPage(t.Context(), dbs, func(page []unstructured.Unstructured) bool {
			seen += len(page)
			return seen < enough
		})
		if err != nil || seen != want {
			t.Errorf("EachPage(until %d are seen) = %d, %v, want %d", enough, seen, err, want)
		}
	}
}

// A list that breaks off is an error, and never a short list.
func TestListsThatBreakOff(t *testing.T) {
	server := crowded(t)
	c := server.Connect(t)
	for _, tt := range []struct {
		name   string
		answer clustertest.Refusal
		denied bool
	}{
		{"expired", clustertest.Refusal{Code: http.StatusGone, Reason: "Expired", Message: "the continue token is too old"}, false},
		{"down", clustertest.Refusal{Code: http.StatusInternalServerError, Reason: "InternalError", Message: "etcd is down"}, false},
		{"forbidden", clustertest.Refusal{Code: http.StatusForbidden, Reason: "Forbidden", Message: "no more"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server.Refuse(func(r *http.Request) *clustertest.Refusal {
				if r.URL.Query().Get("continue") == "1000" {
					return &tt.answer
				}
				return nil
			})
			asked := map[string]func() (int, error){
				"Instances": func() (int, error) {
					found, err := c.Instances(t.Context(), dbKind)
					return len(found), err
				},
				"InUse": func() (int, error) {
					found, err := c.InUse(t.Context(), []schema.GroupKind{dbKind}, []string{"17"})
					return len(found), err
				},
				"Uses": func() (int, error) {
					found, err := c.Uses(t.Context(), []schema.GroupKind{dbKind}, []cluster.Named{{Name: "17", Is: func(string) bool { return true }}})
					return len(found), err
				},
				"Objects": func() (int, error) {
					found, err := c.Objects(t.Context(), dbKind)
					return len(found), err
				},
			}
			for name, ask := range asked {
				found, err := ask()
				if err == nil || found > 0 || !strings.Contains(err.Error(), "listing dbs: "+tt.answer.Message) || errors.Is(err, cluster.ErrDenied) != tt.denied {
					t.Errorf("%s() = %d, %v, want %q and nothing found", name, found, err, tt.answer.Message)
				}
			}
		})
	}
}

// Databases are those of all kinds asked for; a kind that the cluster does not know has none.
func TestInstancesOfSeveralKinds(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, crd+"---\n"+strings.ReplaceAll(strings.NewReplacer("dbs", "pools", "Db", "Pool", "Namespaced", "Cluster", "singular: db", "singular: pool").Replace(crd), "\n---\n", ""))
	server.Put(t, db+"---\napiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: precious, namespace: alpha}\n")
	server.Put(t, "apiVersion: lab.example.com/v1\nkind: Pool\nmetadata: {name: wide}\n")
	c := server.Connect(t)
	kinds := []schema.GroupKind{{Group: "lab.example.com", Kind: "Pool"}, {Group: "none.example.com", Kind: "None"}, {}, dbKind}
	got, err := c.Instances(t.Context(), kinds...)
	want := []cluster.Instance{{Kind: "Db", Namespace: "alpha", Name: "precious"}, {Kind: "Db", Namespace: "demo", Name: "precious"}, {Kind: "Pool", Name: "wide"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("Instances() = %v, %v, want %v", got, err, want)
	}
	server.Deny("list dbs.lab.example.com")
	if got, err := c.Instances(t.Context(), kinds...); !errors.Is(err, cluster.ErrDenied) || got != nil {
		t.Errorf("Instances() of kinds of which one may not be listed = %v, %v, want ErrDenied and none", got, err)
	}
}

// The kinds of CRDs are those that carry all marks of the release.
func TestDefinedFor(t *testing.T) {
	server := clustertest.New(t)
	mark := func(name, kind string, owner cluster.Owner) {
		object := clustertest.Objects(t, strings.NewReplacer("dbs", name, "Db", kind).Replace(crd))[0]
		owner.Mark(&object.Unstructured)
		if err := object.SetText(); err != nil {
			t.Fatal(err)
		}
		server.Put(t, object.Text)
	}
	mark("dbs", "Db", house)
	mark("others", "Other", cluster.Owner{Namespace: "elsewhere", Release: house.Release})
	server.Put(t, strings.NewReplacer("dbs", "nobodys", "Db", "Nobody").Replace(crd))
	c := server.Connect(t)
	if got, err := c.DefinedFor(t.Context(), house); err != nil || !slices.Equal(got, []schema.GroupKind{dbKind}) {
		t.Errorf("DefinedFor(%v) = %v, %v, want %v alone", house, got, err, dbKind)
	}
	server.Deny("list customresourcedefinitions.apiextensions.k8s.io")
	if got, err := c.DefinedFor(t.Context(), house); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("DefinedFor() forbidden = %v, %v, want ErrDenied", got, err)
	}
}

// What can be listed is said of every group that answers, and those that do not are named.
func TestListable(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, crd)
	server.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.URL.Path == "/apis/batch/v1" {
			return &clustertest.Refusal{Code: http.StatusServiceUnavailable, Reason: "ServiceUnavailable", Message: "its server is away"}
		}
		return nil
	})
	c := server.Connect(t)
	found, unknown, err := c.Listable(t.Context())
	if err != nil || !slices.Equal(unknown, []string{"batch/v1"}) {
		t.Fatalf("Listable() = unknown %q, %v, want batch/v1", unknown, err)
	}
	names := map[string]bool{}
	for _, resource := range found {
		if names[resource.String()] {
			t.Errorf("Listable() has %s twice", resource)
		}
		names[resource.GroupResource().String()] = true
	}
	if !names["dbs.lab.example.com"] || !names["secrets"] || names["jobs.batch"] {
		t.Errorf("Listable() = %v, want dbs and secrets, and no jobs", found)
	}
	// What is asked of one group is not hindered by another.
	kinds, err := c.KindsIn(t.Context(), "lab.example.com")
	if err != nil || !slices.Equal(kinds, []schema.GroupKind{dbKind}) {
		t.Errorf("KindsIn(lab.example.com) = %v, %v, want %v", kinds, err, dbKind)
	}
	if kinds, err := c.KindsIn(t.Context(), "none.example.com"); err != nil || kinds != nil {
		t.Errorf("KindsIn(none.example.com) = %v, %v, want none", kinds, err)
	}
	if apis, err := c.APIVersions(t.Context()); err != nil || !slices.Contains(apis, "lab.example.com/v1/Db") {
		t.Errorf("APIVersions() = %v, %v, want what the others serve", apis, err)
	}
	server.Refuse(func(*http.Request) *clustertest.Refusal {
		return &clustertest.Refusal{Code: http.StatusForbidden, Reason: "Forbidden", Message: "no"}
	})
	c.Refresh()
	if found, _, err := c.Listable(t.Context()); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Listable() where nothing may be asked = %v, %v, want ErrDenied", found, err)
	}
	if kinds, err := c.KindsIn(t.Context(), "apps"); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("KindsIn() where nothing may be asked = %v, %v, want ErrDenied", kinds, err)
	}
	if _, err := c.APIVersions(t.Context()); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("APIVersions() where nothing may be asked = %v, want ErrDenied", err)
	}
	if known, err := c.Knows(t.Context(), dbKind); !errors.Is(err, cluster.ErrDenied) || known {
		t.Errorf("Knows() where nothing may be asked = %v, %v, want ErrDenied", known, err)
	}
}
