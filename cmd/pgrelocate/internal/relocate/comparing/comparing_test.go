package comparing

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/clustertest"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func digest(letter string) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(letter, 64)}
}

// objects refer to images by name, by the digest that they name, by that which runs, by the vendor's
// name, and to others.
const objects = `
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: prod}
spec: {containers: [{name: a, image: 'r.example.com/pg/postgres-instance:17'}]}
status: {containerStatuses: [{image: 'r.example.com/pg/postgres-instance:17', imageID: 'r.example.com/pg/postgres-instance@sha256:OTHER'}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-1, namespace: prod}
spec: {containers: [{name: a, image: 'vendor.example.com/postgres-instance@sha256:SAME'}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: operator, namespace: pg}
spec: {template: {spec: {containers: [{name: a, image: 'r.example.com/pg/postgres-instance:15'}, {name: b, image: 'r.example.com/pg/postgres-instance:14'}]}}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: prod}
spec: {containers: [{name: a, image: 'r.example.com/web:1'}]}
`

// A cluster is compared with a lock by what it runs of the lock's repositories.
func TestCluster(t *testing.T) {
	s := clustertest.New(t)
	s.Put(t, strings.NewReplacer("OTHER", digest("b").Hex, "SAME", digest("c").Hex).Replace(objects))
	l := &lock.Lock{Schema: lock.Schema}
	for _, of := range []struct{ tag, digest string }{{"17", "a"}, {"16", "c"}, {"15", "d"}, {"13", "e"}} {
		l.Artifacts = append(l.Artifacts, lock.Artifact{
			Artifact: versions.Artifact{
				Product: "tanzu", Role: versions.RoleInstance,
				Source: ref.Reference{Host: "vendor.example.com", Repository: "postgres-instance", Tag: of.tag},
				Target: ref.Reference{Host: "r.example.com", Repository: "pg/postgres-instance", Tag: of.tag},
			},
			Base: "pg", Digest: digest(of.digest), MediaType: "application/vnd.oci.image.manifest.v1+json", Size: 1,
		})
	}
	file := filepath.Join(t.TempDir(), "pg.lock")
	if err := os.WriteFile(file, l.Marshal(), 0o600); err != nil {
		t.Fatal(err)
	}
	compare := func(first, second string) (*Result, error) {
		cfg := &config.Config{Registry: ref.Folder{Host: "r.example.com", Path: "pg"}}
		session := relocate.New(cfg, relocate.Options{})
		defer session.Close()
		return Compare(t.Context(), session, Options{First: first, Second: second, Destination: reaching.Destination{Kubeconfig: s.Kubeconfig(t)}})
	}
	r, err := compare(file, Cluster)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range r.Differences {
		got = append(got, fmt.Sprintf("%s %s %s", d.Name, d.Kind, d.Second.By))
	}
	want := []string{"postgres-instance:14 only in the second Deployment pg/operator", "postgres-instance:17 other content Pod prod/db-0"}
	if !slices.Equal(got, want) || r.Same != 2 || r.ByName != 1 || r.Unused != 1 {
		t.Errorf("Compare() = %q, %d the same, %d by name, %d unused; want %q, 2, 1 and 1", got, r.Same, r.ByName, r.Unused, want)
	}
	if r, err = compare(Cluster, file); err != nil || len(r.Differences) != 2 || r.Unused != 1 {
		t.Errorf("Compare(the other way round) = %+v, %v, want the same", r, err)
	}
	s.Deny("list pods")
	if _, err := compare(file, Cluster); !errors.Is(err, cluster.ErrDenied) {
		t.Errorf("Compare() without pods = %v, want ErrDenied", err)
	}
}

// What a lock has of single platforms cannot be told from the source's digests.
func TestComparable(t *testing.T) {
	c := &comparing{Options: Options{First: "pg.lock", Second: Source}}
	for form, want := range map[string]bool{"auto": false, "strip": false, "whole": true, "sparse": true} {
		l := &lock.Lock{Selection: &lock.Selection{Platforms: []string{"linux/amd64"}, Index: form}}
		if err := c.comparable(l); (err == nil) != want {
			t.Errorf("comparable(index %s) = %v, want nil: %t", form, err, want)
		}
	}
	if err := c.comparable(&lock.Lock{}); err != nil {
		t.Errorf("comparable() = %v, want nil", err)
	}
}
