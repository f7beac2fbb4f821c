package cluster_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
)

// used is a database whose spec says this.
func used(namespace, name, spec string) string {
	return "---\napiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: " + name + ", namespace: " + namespace + "}\nspec: " + spec + "\n"
}

// A version is in use where a spec names it at any depth, as a whole string; what the status or the name of an
// object says does not count.
func TestInUse(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, crd+used("a", "flat", "{version: v15}")+used("a", "deep", "{pools: [{more: [[v16]]}]}")+
		used("b", "again", "{version: v15}")+used("b", "longer", "{version: v17-beta}")+used("b", "v18", "{size: 18}")+
		"status: {version: v14}\n")
	c := server.Connect(t)
	kinds := []schema.GroupKind{{Group: "none.example.com", Kind: "None"}, dbKind}
	got, err := c.InUse(t.Context(), kinds, []string{"v14", "v15", "v16", "v17", "v18", "18"})
	if err != nil || !slices.Equal(got, []string{"v15", "v16"}) {
		t.Errorf("InUse() = %q, %v, want v15 and v16", got, err)
	}
	server.Deny("list dbs.lab.example.com")
	if got, err := c.InUse(t.Context(), kinds, []string{"v15"}); !errors.Is(err, cluster.ErrDenied) || got != nil {
		t.Errorf("InUse() forbidden = %q, %v, want ErrDenied and no word of use", got, err)
	}
}

// Who uses something is told in order; a reference by the names of an object and an entry counts where it
// leads to that object, which for a namespaced one depends on who refers.
func TestUses(t *testing.T) {
	server := clustertest.New(t)
	server.Put(t, crd+used("b", "one", "{image: 'r.example.com/pg:17'}")+used("a", "two", "{parts: [{image: 'r.example.com/pg:17'}]}")+
		used("a", "three", "{ref: {catalog: c, major: 17}}")+used("b", "four", "{list: [{ref: {catalog: c, major: 17}}]}")+used("a", "five", "{ref: {catalog: c, major: 16}}"))
	c := server.Connect(t)
	catalog := func(in string) func(string, map[string]any) bool {
		return func(namespace string, value map[string]any) bool {
			return (in == "" || in == namespace) && value["catalog"] == "c" && value["major"] == int64(17)
		}
	}
	image := func(text string) bool { return strings.HasSuffix(text, "/pg:17") }
	never := func(string) bool { return false }
	got, err := c.Uses(t.Context(), []schema.GroupKind{dbKind}, []cluster.Named{
		{Name: "image", Is: image}, {Name: "everywhere", Is: never, Refers: catalog("")}, {Name: "in a", Is: never, Refers: catalog("a")}, {Name: "nobody's", Is: never},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"image": "a/two b/one", "everywhere": "a/three b/four", "in a": "a/three", "nobody's": ""} {
		var users []string
		for _, user := range got[name] {
			users = append(users, user.String())
		}
		if strings.Join(users, " ") != want {
			t.Errorf("Uses()[%s] = %q, want %q", name, users, want)
		}
	}
}

// The kinds that CRDs define, of whichever version, are those of their group.
func TestDefined(t *testing.T) {
	objects := clustertest.Objects(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n"+crd)
	if got := cluster.Defined(objects); !slices.Equal(got, []schema.GroupKind{dbKind}) {
		t.Errorf("Defined() = %v, want %v", got, dbKind)
	}
}
