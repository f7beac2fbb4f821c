package install_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// ownedBy is the chart's ConfigMap as another release has made it.
func ownedBy(namespace, release string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg, labels: {app.kubernetes.io/managed-by: Helm}, " +
		"annotations: {meta.helm.sh/release-name: " + release + ", meta.helm.sh/release-namespace: " + namespace + "}}\ndata: {precious: \"yes\"}\n"
}

func adopt(o *install.Options) { o.Adopt = true }

// What belongs to others is said with its owner, and taken over where nobody misses it.
func TestForeignObjects(t *testing.T) {
	for _, tt := range []struct {
		name, object, says string
		with               func(t *testing.T, b *bench)
		adoptable          bool
	}{
		{"nobody's", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg}\ndata: {precious: \"yes\"}\n", "ConfigMap pg/c belongs to no helm release", nil, true},
		{"of one that is gone", ownedBy("elsewhere", "gone"), "ConfigMap pg/c belonged to helm release elsewhere/gone, which is gone", nil, true},
		{"of one that lives", ownedBy("second", "house"), "ConfigMap pg/c belongs to helm release second/house", func(t *testing.T, b *bench) {
			if _, err := b.run(t, nil, func(o *install.Options) { o.Subject.Namespace = "second" }); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"of one in ConfigMaps", ownedBy("elsewhere", "other"), "ConfigMap pg/c belongs to helm release elsewhere/other", func(t *testing.T, b *bench) {
			b.Put(t, inConfigMap("elsewhere", "other", "1", "deployed"))
		}, false},
		// Who may not look has not seen that it is gone.
		{"of one that may be in ConfigMaps", ownedBy("elsewhere", "unseen"), "ConfigMap pg/c belongs to helm release elsewhere/unseen, and whether that exists cannot be seen: ", func(_ *testing.T, b *bench) {
			b.Refuse(func(r *http.Request) *clustertest.Refusal {
				if strings.HasSuffix(r.URL.Path, "/namespaces/elsewhere/configmaps") {
					return &clustertest.Refusal{Code: 403, Reason: "Forbidden", Message: "no"}
				}
				return nil
			})
		}, false},
		{"of one that may live", ownedBy("elsewhere", "unseen"), "ConfigMap pg/c belongs to helm release elsewhere/unseen, and whether that exists cannot be seen: ", func(_ *testing.T, b *bench) {
			b.Refuse(func(r *http.Request) *clustertest.Refusal {
				if strings.HasSuffix(r.URL.Path, "/namespaces/elsewhere/secrets") {
					return &clustertest.Refusal{Code: 403, Reason: "Forbidden", Message: "no"}
				}
				return nil
			})
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t)
			if tt.with != nil {
				tt.with(t, b)
			}
			b.Put(t, tt.object)
			_, err := b.run(t, nil)
			var foreign *install.ForeignError
			if !errors.As(err, &foreign) || foreign.Adoptable() != tt.adoptable || !strings.Contains(err.Error(), "1 object that the chart brings, there already and not of this helm release\n  "+tt.says) {
				t.Fatalf("Run() = %v, want %q, adoptable: %v", err, tt.says, tt.adoptable)
			}
			b.refused(t, err, "prerequisites")
			outcome, err := b.run(t, nil, adopt)
			if !tt.adoptable {
				b.refused(t, err, "prerequisites")
				return
			}
			if err != nil || strings.Join(outcome.Adopted, " ") != "ConfigMap pg/c" {
				t.Fatalf("Run(adopt) = %+v, %v, want the ConfigMap taken over", outcome, err)
			}
			taken := b.Get("configmaps", "pg", "c")
			if cluster.OwnerOf(taken) != (cluster.Owner{Namespace: "pg", Release: "house"}) || taken.Object["data"].(map[string]any)["precious"] != "yes" {
				t.Errorf("Run(adopt) made %v of it, want it ours, with what was in it", taken.Object)
			}
		})
	}
}

// A dry run says what it would take over, and takes nothing.
func TestAdoptDry(t *testing.T) {
	b := newBench(t)
	b.Put(t, ownedBy("elsewhere", "gone"))
	outcome, err := b.run(t, nil, adopt, func(o *install.Options) { o.DryRun = true })
	if err != nil || len(b.Writes()) > 0 || !strings.Contains(strings.Join(outcome.Actions, "\n"), "take over ConfigMap pg/c") || len(outcome.Adopted) > 0 {
		t.Errorf("Run(adopt, dry) = %q, %v, want it planned and nothing written", outcome.Actions, err)
	}
}

// Where taking over fails, what had been done is said, and what is there stays as it was.
func TestAdoptFails(t *testing.T) {
	b := newBench(t)
	b.Put(t, ownedBy("elsewhere", "gone"))
	b.Refuse(func(r *http.Request) *clustertest.Refusal {
		if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/configmaps/c") {
			return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "no"}
		}
		return nil
	})
	outcome, err := b.run(t, nil, adopt)
	var failure *install.Failure
	if !errors.As(err, &failure) || failure.Step != "definitions" || failure.Unchanged || strings.Contains(err.Error(), "taken over") || !strings.Contains(err.Error(), "secret regsecret in namespace pg created") || len(outcome.Adopted) > 0 {
		t.Errorf("Run(adopt) = %v, want what was done before, and no word of taking over", err)
	}
	if theirs := b.Get("configmaps", "pg", "c"); cluster.OwnerOf(theirs).Release != "gone" {
		t.Errorf("the ConfigMap is %v's now, want it untouched", cluster.OwnerOf(theirs))
	}
}

// What the release has made itself and has lost its marks is marked again, and is nobody else's.
func TestUnmarkedIsMarked(t *testing.T) {
	b := newBench(t)
	if _, err := b.run(t, nil); err != nil {
		t.Fatal(err)
	}
	b.Put(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: pg}\ndata: {mine: \"yes\"}\n")
	if _, err := b.run(t, nil); err != nil {
		t.Fatalf("Run() over its own object without marks = %v", err)
	}
	if got := cluster.OwnerOf(b.Get("configmaps", "pg", "c")); got != (cluster.Owner{Namespace: "pg", Release: "house"}) {
		t.Errorf("the ConfigMap belongs to %v, want the release", got)
	}
}

// A namespace that the chart brings is the release's from the start, or helm would not touch it.
func TestChartsNamespace(t *testing.T) {
	b := newBench(t)
	brings := map[string]string{"templates/ns.yaml": "apiVersion: v1\nkind: Namespace\nmetadata: {name: pg}\n"}
	outcome, err := b.run(t, brings)
	if err != nil || strings.Join(outcome.Created, " ") != "pg" {
		t.Fatalf("Run() = %+v, %v, want the namespace made", outcome, err)
	}
	if got := cluster.OwnerOf(b.Get("namespaces", "", "pg")); got != (cluster.Owner{Namespace: "pg", Release: "house"}) {
		t.Errorf("the namespace belongs to %v, want the release", got)
	}
}
