package catalogue_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// fileOf is the product's file, and what is read from it again.
func fileOf(t *testing.T, c *versions.Catalogue, name string) (string, *versions.Product) {
	t.Helper()
	product, err := c.Product(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := product.File()
	if err != nil {
		t.Fatalf("File() = %v", err)
	}
	again, err := catalogue.Merge(&versions.Catalogue{}, "written.yaml", data)
	if err != nil {
		t.Fatalf("Merge(File()) = %v\n%s", err, data)
	}
	read, err := again.Product(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data), read
}

// same are products without the files that they are from.
var same = cmp.Options{cmpopts.IgnoreFields(versions.Product{}, "Spec")}

// A product that one file describes is that file, with its comments.
func TestFileIsTheFileItself(t *testing.T) {
	want, err := os.ReadFile("crunchy-pgo.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := fileOf(t, catalogue.Builtin(), "crunchy-pgo")
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("File() differs from the built-in file (-want +got):\n%s", diff)
	}
}

// What several files say comes out as one file that says the same.
func TestFileOfSeveral(t *testing.T) {
	for _, product := range catalogue.Builtin().Products() {
		more := "product: " + product.Name + "\ntitle: Ours\n"
		merged, err := catalogue.Merge(catalogue.Builtin(), "ours.yaml", []byte(more))
		if err != nil {
			t.Fatal(err)
		}
		want, err := merged.Product(product.Name)
		if err != nil {
			t.Fatal(err)
		}
		text, got := fileOf(t, merged, product.Name)
		if diff := cmp.Diff(want, got, same); diff != "" {
			t.Errorf("%s: Merge(File()) differs (-want +got):\n%s", product.Name, diff)
		}
		if !strings.Contains(text, "title: Ours\n") {
			t.Errorf("%s: File() lacks the other file's title:\n%s", product.Name, text)
		}
		newest, older := want.Releases[0].Name, want.Releases[1].Name
		if strings.Index(text, "  "+newest+":") > strings.Index(text, "  "+older+":") {
			t.Errorf("%s: File() has %s after %s, want the newest first", product.Name, newest, older)
		}
	}
}

// A file of old comes out as it is written today, and means what it meant.
func TestFileOfOld(t *testing.T) {
	const old = `
product: old
target: old
registries: {vendor: registry.example.com/products}
shapes:
  usual:
    registry: vendor
    chart: {repository: chart, tag: "{release}"}
    operator: {repository: operator, tag: "{release}"}
    instances:
      - {edition: full, repository: postgres, tag: "{version}", name: "pg-{version}"}
      - {edition: lite, repository: postgres-lite, tag: "{version}"}
    extras: {pooler: {repository: pooler}}
    values:
      image: {image: operator, form: reference}
      secret: {pullSecret: names}
releases:
  v1.2.0: {shape: usual, versions: [17.10, {version: 16.1, editions: [full]}], tags: {pooler: "3"}}
`
	c, err := catalogue.Merge(&versions.Catalogue{}, "old.yaml", []byte(old))
	if err != nil {
		t.Fatal(err)
	}
	want, err := c.Product("old")
	if err != nil {
		t.Fatal(err)
	}
	text, got := fileOf(t, c, "old")
	if diff := cmp.Diff(want, got, same); diff != "" {
		t.Errorf("Merge(File()) differs (-want +got):\n%s", diff)
	}
	for _, key := range []string{"    images:\n", "    charts:\n", "17.10", "'{operator.ref}'"} {
		if !strings.Contains(text, key) {
			t.Errorf("File() lacks %q:\n%s", key, text)
		}
	}
	if strings.Contains(text, "instances:") {
		t.Errorf("File() has keys of old:\n%s", text)
	}
}
