package definitions_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

const (
	crd        = clustertest.Definition
	definition = "customresourcedefinitions.apiextensions.k8s.io"
)

var (
	house  = cluster.Owner{Namespace: "pg", Release: "house"}
	dbKind = schema.GroupKind{Group: "lab.example.com", Kind: "Db"}
)

// CRDs get the owner's marks and the mark to be let be, whichever way they come.
func TestApply(t *testing.T) {
	for _, folder := range []bool{false, true} {
		server := clustertest.New(t)
		c := server.Connect(t)
		objects := clustertest.Objects(t, crd+"---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n")
		objects[0].FromCRDs = folder
		if written, err := definitions.Apply(t.Context(), c, objects, house, false); len(written) != 1 || err != nil {
			t.Errorf("Apply(folder %v) = %+v, %v, want 1", folder, written, err)
		}
		live := server.Get("customresourcedefinitions.apiextensions.k8s.io", "", "dbs.lab.example.com")
		if live == nil || cluster.OwnerOf(live) != house || !cluster.Kept(live) {
			t.Errorf("Apply(folder %v) made %v, want it marked", folder, live)
		}
		if known, _ := c.Knows(t.Context(), dbKind); !known {
			t.Error("Apply() leaves the kind unknown")
		}
		// Those of the templates are helm's to bring up to date.
		server.Writes()
		want := map[bool]int{false: 0, true: 1}[folder]
		if written, err := definitions.Apply(t.Context(), c, objects, house, false); len(written) != want || err != nil {
			t.Errorf("Apply(folder %v) again = %+v, %v, want %d", folder, written, err, want)
		}
	}
}

// Whoever wants fields otherwise is named. Where that is helm or ourselves, for the same release,
// the CRD has moved from the templates to the folder, and there is nobody to ask.
func TestDefinitionConflicts(t *testing.T) {
	for _, tt := range []struct {
		name    string
		manager string
		marked  bool
		force   bool
		want    error
	}{
		{"another tool", "argocd-controller", true, false, cluster.ErrConflict},
		{"another tool, forced", "argocd-controller", true, true, nil},
		{"helm, for this release", "helm", true, false, nil},
		{"ourselves, for this release", cluster.Manager, true, false, nil},
		{"helm, for nobody", "helm", false, false, cluster.ErrConflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := clustertest.New(t)
			object := clustertest.Objects(t, crd)[0]
			if tt.marked {
				house.Mark(&object.Unstructured)
				if err := object.SetText(); err != nil {
					t.Fatal(err)
				}
			}
			server.Put(t, object.Text)
			server.Refuse(func(r *http.Request) *clustertest.Refusal {
				if r.Method != http.MethodPatch || r.URL.Query().Get("force") == "true" {
					return nil
				}
				return &clustertest.Refusal{Code: http.StatusConflict, Reason: "Conflict", Message: "conflict",
					Causes: []string{`conflict with "` + tt.manager + `" using apiextensions.k8s.io/v1`, `conflict with "` + tt.manager + `"`}}
			})
			_, err := definitions.Apply(t.Context(), server.Connect(t), parseFolder(t), house, tt.force)
			if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
				t.Errorf("Apply() = %v, want %v", err, tt.want)
			}
			if tt.want != nil && !strings.Contains(err.Error(), `CRD dbs.lab.example.com has fields that "`+tt.manager+`" (2 fields) wants otherwise`) {
				t.Errorf("Apply() = %v, want to be told who", err)
			}
		})
	}
}

// parseFolder is the CRD as one of the crds/ folder.
func parseFolder(t *testing.T) []chart.Object {
	t.Helper()
	objects := clustertest.Objects(t, crd)
	objects[0].FromCRDs = true
	return objects
}

func TestDefinitionOnItsWayOut(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, strings.Replace(crd, "metadata: {", "metadata: {deletionTimestamp: \"2026-01-01T00:00:00Z\", ", 1))
	_, err := definitions.Apply(t.Context(), server.Connect(t), parseFolder(t), house, false)
	if err == nil || !strings.Contains(err.Error(), "is being deleted by somebody") {
		t.Errorf("Apply() = %v, want that the CRD is on its way out", err)
	}
}

// A CRD counts as applied once the API server serves it, and what keeps it from that is said.
func TestDefinitionsThatDoNotCome(t *testing.T) {
	conditions := func(kind, status string) map[string]any {
		return map[string]any{"conditions": []any{map[string]any{"type": kind, "status": status}}}
	}
	name := "dbs.lab.example.com"
	apply := func(t *testing.T, server *clustertest.Server) (int, error) {
		t.Helper()
		written, err := definitions.Apply(t.Context(), server.Connect(t), []chart.Object{clustertest.Objects(t, crd)[0]}, house, false)
		return len(written), err
	}
	t.Run("another has its names", func(t *testing.T) {
		server := clustertest.New(t)
		server.Put(t, crd)
		server.SetStatus(definition, "", name, conditions("NamesAccepted", "False"))
		if written, err := apply(t, server); err == nil || written != 0 || !strings.Contains(err.Error(), "another CRD with the same names") {
			t.Errorf("Apply() = %d, %v, want that the names are taken", written, err)
		}
	})
	t.Run("somebody deletes it", func(t *testing.T) {
		server := clustertest.New(t)
		server.Put(t, strings.Replace(crd, "{name: ", "{deletionTimestamp: '2026-01-01T00:00:00Z', name: ", 1))
		if _, err := apply(t, server); err == nil || !strings.Contains(err.Error(), "is being deleted by somebody") {
			t.Errorf("Apply() = %v, want that it is being deleted, with every object of its kind", err)
		}
	})
	t.Run("it is gone again", func(t *testing.T) {
		server := clustertest.New(t)
		server.Refuse(func(r *http.Request) *clustertest.Refusal {
			if r.Method != http.MethodGet || !strings.HasSuffix(r.URL.Path, "/"+name) {
				return nil
			}
			return &clustertest.Refusal{Code: http.StatusNotFound, Reason: "NotFound", Message: "it is not there"}
		})
		if written, err := apply(t, server); written != 1 || !apierrors.IsNotFound(err) {
			t.Errorf("Apply() = %d, %v, want one written, and that it is not there", written, err)
		}
	})
	t.Run("it takes a while", func(t *testing.T) {
		server := clustertest.New(t)
		server.Put(t, crd)
		server.SetStatus(definition, "", name, conditions("Established", "False"))
		looks := 0
		server.Refuse(func(r *http.Request) *clustertest.Refusal {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/"+name) {
				if looks++; looks == 3 {
					server.SetStatus(definition, "", name, conditions("Established", "True"))
				}
			}
			return nil
		})
		if _, err := apply(t, server); err != nil || looks != 3 {
			t.Errorf("Apply() = %v after %d looks, want it to wait for the third", err, looks)
		}
	})
	t.Run("the run ends", func(t *testing.T) {
		server := clustertest.New(t)
		server.Put(t, crd)
		server.SetStatus(definition, "", name, conditions("Established", "False"))
		c := server.Connect(t)
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		server.Refuse(func(r *http.Request) *clustertest.Refusal {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/"+name) {
				cancel(enough)
			}
			return nil
		})
		if _, err := definitions.Apply(ctx, c, clustertest.Objects(t, crd), house, false); !errors.Is(err, enough) {
			t.Errorf("Apply() interrupted = %v, want the interrupt", err)
		}
	})
}
