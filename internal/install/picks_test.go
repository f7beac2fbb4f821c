package install_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// picks are two versions and a catalog of both, with their kinds.
const (
	pickKinds = crd + `---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbversions.lab.example.com}
spec: {group: lab.example.com, names: {kind: DbVersion, plural: dbversions, singular: dbversion}, scope: Cluster, versions: [{name: v1, served: true, storage: true}]}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbcatalogs.lab.example.com}
spec: {group: lab.example.com, names: {kind: DbCatalog, plural: dbcatalogs, singular: dbcatalog}, scope: Cluster, versions: [{name: v1, served: true, storage: true}]}
`
	picks = `
apiVersion: lab.example.com/v1
kind: DbVersion
metadata: {name: db-16}
spec: {image: "r.example.com/house/db16:16"}
---
apiVersion: lab.example.com/v1
kind: DbVersion
metadata: {name: db-17}
spec: {image: "r.example.com/house/db17:17"}
---
apiVersion: lab.example.com/v1
kind: DbCatalog
metadata: {name: all}
spec: {images: [{major: 16, image: "r.example.com/house/db16:16"}, {major: 17, image: "r.example.com/house/db17:17"}]}
`
)

// newPicks is a bench whose product offers versions and a catalog, in a registry that lacks one.
func newPicks(t *testing.T) (*bench, map[string]string) {
	t.Helper()
	b := newBench(t)
	product := *b.options.Subject.Product
	product.Cluster.Databases = []versions.Kind{{Group: "lab.example.com", Kind: "Db"}}
	product.Cluster.Offers = []versions.Kind{
		{Group: "lab.example.com", Kind: "DbVersion", Image: "spec.image"},
		{Group: "lab.example.com", Kind: "DbCatalog", Image: "spec.images[*].image"},
	}
	b.options.Subject.Product, b.options.Subject.Offers = &product, product.Cluster.Offers
	b.private.missing = []string{"house/db17"}
	return b, map[string]string{"crds/kinds.yaml": pickKinds, "templates/picks.yaml": picks}
}

// wantWarned wants warnings, each in part.
func (b *bench) wantWarned(t *testing.T, want ...string) {
	t.Helper()
	got := strings.Join(b.warned, "\n")
	for _, part := range want {
		if !strings.Contains(got, part) {
			t.Errorf("Run() warned %q, want %q", got, part)
		}
	}
}

// catalogued are the images that the catalog lists in the cluster.
func (b *bench) catalogued(t *testing.T) (majors []any) {
	t.Helper()
	catalog := b.Get("dbcatalogs.lab.example.com", "", "all")
	if catalog == nil {
		t.Fatal("the catalog is not there")
	}
	for _, entry := range catalog.Object["spec"].(map[string]any)["images"].([]any) {
		majors = append(majors, entry.(map[string]any)["major"])
	}
	return majors
}

// Who says nothing is told what can be picked and not pulled, and gets it.
func TestUnmirroredIsTold(t *testing.T) {
	b, files := newPicks(t)
	outcome, err := b.run(t, files)
	if err != nil {
		t.Fatal(err)
	}
	b.wantWarned(t, "2 versions can be picked but not pulled, for their image was not relocated: DbCatalog all spec.images[1].image, db-17")
	if b.Get("dbversions.lab.example.com", "", "db-17") == nil || len(b.catalogued(t)) != 2 {
		t.Error("Run() left out what nobody asked it to leave out")
	}
	if got := outcome.Prepared.Unpullable(); !slices.Equal(got, []string{"all spec.images[1]", "db-17"}) {
		t.Errorf("Unpullable() = %q, want the version and the entry", got)
	}
	if outcome.Check.OK() {
		t.Error("the check of versions without images is ok")
	}
}

// Who wants all or nothing gets nothing.
func TestStrict(t *testing.T) {
	b, files := newPicks(t)
	_, err := b.run(t, files, func(o *install.Options) { o.Strict = true })
	var missing *install.UnmirroredError
	if !errors.As(err, &missing) || !errors.Is(err, preparation.ErrNotMirrored) || !strings.Contains(err.Error(), "2 versions without an image in the registry: DbCatalog all spec.images[1].image, db-17") {
		t.Errorf("Run(strict) = %v, want both named as not relocated", err)
	}
	b.refused(t, err, "images")
	b.private.missing = nil
	if _, err := b.run(t, files, func(o *install.Options) { o.Strict = true }); err != nil {
		t.Errorf("Run(strict) with every image = %v", err)
	}
}

func onlyMirrored(o *install.Options) { o.OnlyMirrored = true }

// What was not relocated is left out, of catalogs too.
func TestRunOnlyMirrored(t *testing.T) {
	b, files := newPicks(t)
	outcome, err := b.run(t, files, onlyMirrored)
	if err != nil {
		t.Fatal(err)
	}
	b.wantWarned(t, "left out, for their image was not relocated: DbCatalog all spec.images[1].image, db-17")
	if b.Get("dbversions.lab.example.com", "", "db-17") != nil || b.Get("dbversions.lab.example.com", "", "db-16") == nil {
		t.Error("Run(only mirrored) did not leave out what is missing, and that alone")
	}
	if got := b.catalogued(t); len(got) != 1 || !outcome.Check.OK() {
		t.Errorf("Run(only mirrored) catalogues %v and checks %s, want one entry and all well", got, outcome.Check.Summary())
	}
}

// What a database uses stays, although the registry has lost it: without it the database would
// not start again.
func TestOnlyMirroredKeepsWhatIsUsed(t *testing.T) {
	for _, tt := range []struct {
		name, spec string
		kept       bool
	}{
		{"by its version", "{version: db-17}", true},
		{"not at all", "{version: db-16}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, files := newPicks(t)
			files["templates/picks.yaml"], _, _ = strings.Cut(picks, "---\napiVersion: lab.example.com/v1\nkind: DbCatalog")
			if _, err := b.run(t, files); err != nil {
				t.Fatal(err)
			}
			b.Put(t, strings.TrimSpace(db)+"\nspec: "+tt.spec+"\n")
			if _, err := b.run(t, files, onlyMirrored); err != nil {
				t.Fatal(err)
			}
			if got := b.Get("dbversions.lab.example.com", "", "db-17") != nil; got != tt.kept {
				t.Errorf("db-17 is there: %v, want %v", got, tt.kept)
			}
			if tt.kept {
				b.wantWarned(t, "kept, for databases use them or a catalog of the cluster has them already, although their image is not in the registry: ", "db-17")
			}
			if b.Get("dbs.lab.example.com", "demo", "precious") == nil {
				t.Error("the database is gone")
			}
		})
	}
}

// An entry that the cluster's catalog has already stays too: nobody knows which databases use it.
func TestOnlyMirroredKeepsCatalogued(t *testing.T) {
	b, files := newPicks(t)
	b.private.missing = nil
	if _, err := b.run(t, files); err != nil {
		t.Fatal(err)
	}
	b.private.missing = []string{"house/db17"}
	if _, err := b.run(t, files, onlyMirrored); err != nil {
		t.Fatal(err)
	}
	if got := b.catalogued(t); len(got) != 2 {
		t.Errorf("the catalog lists %v, want both entries kept", got)
	}
	b.wantWarned(t, "kept, for databases use them or a catalog", "DbCatalog all spec.images[1].image")
}

// Where nobody can tell what is in use, nothing is taken away, and nothing is written.
func TestOnlyMirroredWhenDatabasesCannotBeSeen(t *testing.T) {
	for _, resource := range []string{"dbs", "dbcatalogs"} {
		b, files := newPicks(t)
		if _, err := b.run(t, files); err != nil {
			t.Fatal(err)
		}
		broken := false
		b.Refuse(func(r *http.Request) *clustertest.Refusal {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/"+resource) {
				broken = true
				return &clustertest.Refusal{Code: 500, Reason: "InternalError", Message: "no"}
			}
			return nil
		})
		_, err := b.run(t, files, onlyMirrored)
		if err == nil || !broken || len(b.Writes()) > 0 {
			t.Errorf("Run(only mirrored) without a look at %s = %v, want an error and nothing written", resource, err)
		}
		if b.Get("dbversions.lab.example.com", "", "db-17") == nil {
			t.Errorf("a version is gone although %s could not be looked at", resource)
		}
	}
}

// Databases, catalogs and settings refer to images; versions are what databases choose from.
func TestReferring(t *testing.T) {
	referring, choices := traits.Referring(catalogue.Builtin())
	for kind, choice := range map[schema.GroupKind]bool{
		{Group: "sql.tanzu.vmware.com", Kind: "Postgres"}:          false,
		{Group: "sql.tanzu.vmware.com", Kind: "PostgresVersion"}:   true,
		{Group: "postgresql.cnpg.io", Kind: "Cluster"}:             false,
		{Group: "postgresql.cnpg.io", Kind: "ImageCatalog"}:        false,
		{Group: "acid.zalan.do", Kind: "OperatorConfiguration"}:    false,
		{Group: "postgresql.cnpg.io", Kind: "ClusterImageCatalog"}: false,
	} {
		if got := slices.Contains(choices, kind); got != choice {
			t.Errorf("%v is a choice: %v, want %v", kind, got, choice)
		}
		if got := slices.Contains(referring, kind); got == choice {
			t.Errorf("%v refers to images: %v, want %v", kind, got, !choice)
		}
	}
}
