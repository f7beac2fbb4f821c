package catalogue_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/template"
	"github.com/pgrelocate/pgrelocate/internal/versions/valuepath"
)

// selected are the sources of a selection, in the order of a plan.
func selected(t *testing.T, s versions.Selection) []string {
	t.Helper()
	artifacts, err := versions.Select(catalogue.Builtin(), s)
	if err != nil {
		t.Fatalf("Select(%+v) = %v", s, err)
	}
	var all []string
	for _, a := range artifacts {
		all = append(all, a.Source.String())
	}
	return all
}

func TestBuiltinSelections(t *testing.T) {
	const crunchy = "registry.developers.crunchydata.com/crunchydata/"
	const quay = "quay.io/jetstack/"
	tests := []struct {
		name string
		of   versions.Selection
		want []string
	}{
		{
			"majors pick images with PostGIS alike",
			versions.Selection{Product: "crunchy-pgo", Releases: []string{"5.8.5"}, Versions: mustParse(t, "17,16"), Extras: []string{"pgbackrest"}},
			[]string{
				crunchy + "pgo:5.8.5", crunchy + "postgres-operator:ubi9-5.8.5-0",
				crunchy + "crunchy-postgres:ubi9-17.7-2547",
				crunchy + "crunchy-postgres-gis:ubi9-17.7-3.6-2547", crunchy + "crunchy-postgres-gis:ubi9-17.7-3.5-2547", crunchy + "crunchy-postgres-gis:ubi9-17.7-3.4-2547",
				crunchy + "crunchy-postgres:ubi9-16.11-2547",
				crunchy + "crunchy-postgres-gis:ubi9-16.11-3.4-2547", crunchy + "crunchy-postgres-gis:ubi9-16.11-3.3-2547",
				crunchy + "crunchy-pgbackrest:ubi9-2.56.0-2547",
			},
		},
		{
			"an axis narrows the images that are on it, and no others",
			versions.Selection{Product: "crunchy-pgo", Releases: []string{"5.7.4"}, Versions: mustParse(t, "16"), Extras: []string{"none"}, Axes: map[string][]string{"gis": {"3.4"}}},
			[]string{
				crunchy + "pgo:5.7.4", crunchy + "postgres-operator:ubi8-5.7.4-0",
				crunchy + "crunchy-postgres:ubi8-16.8-0", crunchy + "crunchy-postgres-gis:ubi8-16.8-3.4-0",
			},
		},
		{
			"two registries, and a chart in a classic repository",
			versions.Selection{Product: "zalando", Releases: []string{"1.14.0"}},
			[]string{
				"opensource.zalando.com/postgres-operator/charts/postgres-operator/postgres-operator:1.14.0",
				"ghcr.io/zalando/postgres-operator:v1.14.0", "ghcr.io/zalando/spilo-17:4.0-p2",
				"ghcr.io/zalando/postgres-operator/logical-backup:v1.13.0", "registry.opensource.zalan.do/acid/pgbouncer:master-32",
			},
		},
		{
			"one of two registries is replaced",
			versions.Selection{
				Product: "zalando", Releases: []string{"1.14.0"}, Extras: []string{"pgbouncer"},
				Sources: map[string]ref.Folder{"acid": {Host: "mirror.example.com", Path: "acid"}},
			},
			[]string{
				"opensource.zalando.com/postgres-operator/charts/postgres-operator/postgres-operator:1.14.0",
				"ghcr.io/zalando/postgres-operator:v1.14.0", "mirror.example.com/acid/pgbouncer:master-32",
			},
		},
		{
			"no versions at all",
			versions.Selection{Product: "cert-manager", Releases: []string{"1.20.3"}},
			[]string{
				quay + "charts/cert-manager:v1.20.3", quay + "cert-manager-controller:v1.20.3", quay + "cert-manager-webhook:v1.20.3",
				quay + "cert-manager-cainjector:v1.20.3", quay + "cert-manager-acmesolver:v1.20.3", quay + "cert-manager-startupapicheck:v1.20.3",
			},
		},
		{
			"whole registries, and what is taken along where it is named",
			versions.Selection{Product: "kube-prometheus-stack", Releases: []string{"88.5.3"}, Extras: []string{"grafana", "kube-state-metrics", "kube-rbac-proxy"}},
			[]string{
				"ghcr.io/prometheus-community/charts/kube-prometheus-stack:88.5.3", "quay.io/prometheus-operator/prometheus-operator:v0.93.1",
				"registry.k8s.io/kube-state-metrics/kube-state-metrics:v2.20.0", "docker.io/grafana/grafana:13.2.0", "quay.io/brancz/kube-rbac-proxy:v0.22.1",
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, selected(t, tt.of)); diff != "" {
				t.Errorf("Select(%+v) differs (-want +got):\n%s", tt.of, diff)
			}
		})
	}
}

func mustParse(t *testing.T, s string) postgres.Expression {
	t.Helper()
	e, err := postgres.ParseExpression(s)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Every built-in release is complete: an operator, a chart whose values leave no placeholder
// open, and nothing that takes another's place at the target.
func TestBuiltinProductsAreComplete(t *testing.T) {
	for _, product := range catalogue.Builtin().Products() {
		for _, release := range product.Releases {
			t.Run(product.Name+" "+release.Name, func(t *testing.T) {
				if release.Operator() == nil {
					t.Error("Operator() = nil, want an image")
				}
				artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{Product: product.Name, Releases: []string{release.Name}, Whole: true, Target: ref.Folder{Host: "registry.example.com"}})
				if err != nil {
					t.Fatal(err)
				}
				fill := versions.Fill{Target: ref.Folder{Host: "registry.example.com", Path: product.Target}, PullSecret: "pull", Images: map[string]versions.Artifact{}}
				for _, a := range artifacts {
					fill.Images[a.CalledInValues()] = a
				}
				for _, chart := range release.Charts {
					for _, value := range chart.Values {
						if missing := slices.DeleteFunc(value.Images(), func(name string) bool { return fill.Images[name].Target.Host != "" }); len(missing) > 0 {
							continue // this release has no such image
						}
						made, err := value.Make(fill)
						if err != nil {
							t.Errorf("%s: Make() = %v", value.At, err)
						}
						template.EachWord(made, func(word string) { t.Errorf("%s: Make() = %v, which leaves {%s} open", value.At, made, word) })
						if key := valuepath.Key(value.Path(fill)); strings.ContainsAny(key, "{}") {
							t.Errorf("Key(%s) = %s, want no placeholder", value.At, key)
						}
					}
				}
			})
		}
	}
}

// Whoever types a product's name finds what is known of it in a cluster.
func TestBuiltinClusters(t *testing.T) {
	want := map[string]string{
		"cert-manager":          "cert-manager/cert-manager",
		"cloudnative-pg":        "cnpg-system/cnpg Cluster",
		"crunchy-pgo":           "postgres-operator/pgo PostgresCluster",
		"kube-prometheus-stack": "monitoring/kube-prometheus-stack",
		"tanzu":                 "postgres-system/postgres-operator Postgres",
		"zalando":               "postgres-operator/postgres-operator postgresql",
	}
	got := map[string]string{}
	for _, product := range catalogue.Builtin().Products() {
		c := product.Cluster
		text := c.Namespace + "/" + c.HelmRelease
		for _, kind := range c.Databases {
			text += " " + kind.Kind
		}
		got[product.Name] = text
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("clusters of %v differ (-want +got):\n%s", slices.Sorted(maps.Keys(got)), diff)
	}
}
