package versions_test

import (
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// What a user asks for becomes artifacts with a source and a target, and no request is sent.
func ExampleSelect() {
	target, err := ref.ParseFolder("registry.example.com/databases")
	if err != nil {
		fmt.Println(err)
		return
	}
	wanted, err := postgres.ParseExpression("17.5")
	if err != nil {
		fmt.Println(err)
		return
	}
	artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{
		Releases: []string{"v4.3.1"}, Versions: wanted, Editions: []versions.Edition{versions.Lite}, Target: target,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range artifacts {
		fmt.Println(a.Role, a.Target)
	}
	// Output:
	// chart registry.example.com/databases/vmware-sql-postgres-operator:v4.3.1
	// operator registry.example.com/databases/postgres-operator:v4.3.1
	// instance registry.example.com/databases/postgres-instance:v17.5-lite-v4.3.1
	// extra registry.example.com/databases/ferretdb:v2.3.1
}
