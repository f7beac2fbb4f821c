package chart_test

import (
	"fmt"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
)

// Images are found wherever they stand in a manifest, not in fields of that name only.
func ExampleParseManifest() {
	rendering, err := chart.ParseManifest(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator}
spec:
  template:
    spec:
      containers:
      - name: operator
        image: registry.example.com/databases/postgres-operator:v4.3.1
        args: ["--backup-image=registry.example.com/databases/backup:1.2"]
`)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, image := range naming.Images(rendering) {
		fmt.Println(image.Ref)
	}
	// Output:
	// registry.example.com/databases/backup:1.2
	// registry.example.com/databases/postgres-operator:v4.3.1
}
