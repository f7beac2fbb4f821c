package clustertest

import (
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/chart"
)

// Definition is a CRD, of databases; Database is one of them.
const (
	Definition = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: dbs.lab.example.com}
spec:
  group: lab.example.com
  names: {kind: Db, plural: dbs, singular: db}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true}]
`
	Database = "apiVersion: lab.example.com/v1\nkind: Db\nmetadata: {name: precious, namespace: demo}\n"
)

// Objects reads the objects of a manifest, as a chart brings them.
func Objects(tb testing.TB, manifest string) []chart.Object {
	tb.Helper()
	rendering, err := chart.ParseManifest(manifest)
	if err != nil {
		tb.Fatal(err)
	}
	return rendering.Objects
}
