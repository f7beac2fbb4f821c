package preparation

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// prepared is a release whose rendering is the manifest, in a registry that lacks the images
// with these tags.
func prepared(t *testing.T, manifest string, lacks ...string) *Prepared {
	t.Helper()
	rendering, err := chart.ParseManifest(manifest)
	if err != nil {
		t.Fatal(err)
	}
	p := &Prepared{Rendering: rendering, Subject: Subject{Offers: offering()}}
	p.Target, p.Release = ref.Folder{Host: "registry.example.com", Path: "pg"}, &versions.Release{}
	for _, image := range naming.Images(rendering) {
		resolved := ResolvedImage{UsedImage: image, Needed: image.Runs()}
		for _, tag := range lacks {
			if image.Ref.Tag == tag {
				resolved.Err = ErrNotMirrored
			}
		}
		p.Images = append(p.Images, resolved)
	}
	p.Unmirrored = p.unmirrored()
	return p
}

// offering are versions of one image each, and catalogs.
func offering() []versions.Kind {
	catalog := func(kind string) versions.Kind {
		return versions.Kind{Group: "postgresql.cnpg.io", Kind: kind, Image: "spec.images[*].image"}
	}
	return []versions.Kind{
		{Group: "sql.tanzu.vmware.com", Kind: "PostgresVersion", Image: "spec.instanceImage"},
		catalog("ClusterImageCatalog"), catalog("ImageCatalog"),
	}
}

const offers = `
apiVersion: sql.tanzu.vmware.com/v1
kind: PostgresVersion
metadata: {name: postgres-17}
spec: {instanceImage: "registry.example.com/pg/instance:17"}
---
apiVersion: sql.tanzu.vmware.com/v1
kind: PostgresVersion
metadata: {name: postgres-16}
spec: {instanceImage: "registry.example.com/pg/instance:16"}
---
apiVersion: postgresql.cnpg.io/v1
kind: ClusterImageCatalog
metadata: {name: some}
spec:
  images:
  - {major: 17, image: "registry.example.com/pg/instance:17"}
  - {major: 16, image: "registry.example.com/pg/instance:16"}
---
apiVersion: postgresql.cnpg.io/v1
kind: ImageCatalog
metadata: {name: none, namespace: ns}
spec:
  images:
  - {major: 17, image: "registry.example.com/pg/instance:17"}
---
apiVersion: v1
kind: Pod
metadata: {name: operator}
spec:
  containers: [{image: "registry.example.com/pg/operator:1", env: [{name: IMAGE, value: "registry.example.com/pg/instance:17"}]}]
`

// What can be picked and not pulled is left out: versions, entries of catalogs, and catalogs
// that have none left. What an operator is told by its environment stays, and is named.
func TestOnlyMirrored(t *testing.T) {
	p := prepared(t, offers, "17")
	p.OnlyMirrored(nil)
	manifest := p.Rendering.Manifest()
	for _, gone := range []string{"postgres-17", "major: 17", "ImageCatalog\nmetadata: {name: none"} {
		if strings.Contains(manifest, gone) {
			t.Errorf("OnlyMirrored() leaves %q in\n%s", gone, manifest)
		}
	}
	for _, stays := range []string{"name: postgres-16", "major: 16", "kind: Pod"} {
		if !strings.Contains(manifest, stays) {
			t.Errorf("OnlyMirrored() takes %q out:\n%s", stays, manifest)
		}
	}
	left := []string{"ClusterImageCatalog some spec.images[0].image", "ImageCatalog ns/none spec.images[0].image", "postgres-17"}
	if diff := cmp.Diff(left, p.LeftOut); diff != "" {
		t.Errorf("LeftOut (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Pod operator spec.containers[0].env[0].value"}, p.Unmirrored); diff != "" {
		t.Errorf("Unmirrored (-want +got):\n%s", diff)
	}
	// Helm renders by itself, and gets the same.
	again, err := chart.ParseManifest(offers)
	if err != nil {
		t.Fatal(err)
	}
	if edited := again.Edit(p.Edit).Manifest(); edited != manifest {
		t.Errorf("the edit makes\n%s\nwant\n%s", edited, manifest)
	}
}

// What is in use is not taken away.
func TestOnlyMirroredKeeps(t *testing.T) {
	p := prepared(t, offers, "17", "16")
	p.OnlyMirrored([]string{"postgres-17", "registry.example.com/pg/instance:16"})
	manifest := p.Rendering.Manifest()
	for _, stays := range []string{"name: postgres-17", "major: 16"} {
		if !strings.Contains(manifest, stays) {
			t.Errorf("OnlyMirrored() takes %q out:\n%s", stays, manifest)
		}
	}
	for _, gone := range []string{"major: 17"} {
		if strings.Contains(manifest, gone) {
			t.Errorf("OnlyMirrored() leaves %q in\n%s", gone, manifest)
		}
	}
}

// The cause that is told is the cause, one for all or one for each place.
func TestProofErrorTellsTheCause(t *testing.T) {
	place := func(cause naming.Cause) naming.Leftover {
		return naming.Leftover{Use: naming.Use{Kind: "Pod", Name: "p", Path: "spec"}, Text: "text", Cause: cause}
	}
	target := ref.Folder{Host: "registry.example.com", Path: "pg"}
	tests := []struct {
		causes []naming.Cause
		want   string
	}{
		{[]naming.Cause{naming.NotRelocated}, "the rendered chart names images that were not relocated in 1 place\n  Pod p spec: text"},
		{[]naming.Cause{naming.NamesSource, naming.NamesSource}, "the rendered chart still names the source registry in 2 places\n  Pod p spec: text\n  Pod p spec: text"},
		{[]naming.Cause{naming.Elsewhere}, "the rendered chart names images outside of registry.example.com/pg in 1 place\n  Pod p spec: text"},
		{[]naming.Cause{naming.Elsewhere, naming.NotRelocated}, "the rendered chart names what is not in registry.example.com/pg in 2 places\n" +
			"  Pod p spec: text (it is not below the target)\n  Pod p spec: text (it was not relocated)"},
	}
	for _, tt := range tests {
		failed := &ProofError{Target: target}
		for _, cause := range tt.causes {
			failed.Places = append(failed.Places, place(cause))
		}
		if got := failed.Error(); got != tt.want {
			t.Errorf("ProofError(%v) = %q, want %q", tt.causes, got, tt.want)
		}
		if errors.Is(failed, ErrNotMirrored) {
			t.Errorf("ProofError(%v) is ErrNotMirrored", tt.causes)
		}
	}
}

// settings name an image for each of several purposes, as Zalando's do.
const settings = `
apiVersion: acid.zalan.do/v1
kind: OperatorConfiguration
metadata: {name: conf}
configuration:
  docker_image: "registry.example.com/pg/spilo:17"
  connection_pooler: {connection_pooler_image: "registry.example.com/pg/pooler:1"}
  logical_backup: {logical_backup_docker_image: "registry.example.com/pg/backup:1"}
`

// Settings are nothing to pick: the operator cannot do without them, so that they stay, and what
// cannot be pulled is named by its place, as a check names it.
func TestSettingsStay(t *testing.T) {
	p := prepared(t, "{}") // for its target
	for _, path := range []string{"configuration.docker_image", "configuration.connection_pooler.connection_pooler_image", "configuration.logical_backup.logical_backup_docker_image"} {
		p.Offers = append(p.Offers, versions.Kind{Group: "acid.zalan.do", Kind: "OperatorConfiguration", Image: path})
	}
	var err error
	if p.Rendering, err = chart.ParseManifest(settings); err != nil {
		t.Fatal(err)
	}
	for _, image := range naming.Images(p.Rendering) {
		resolved := ResolvedImage{UsedImage: image}
		if strings.HasSuffix(image.Ref.Repository, "backup") {
			resolved.Err = ErrNotMirrored
		}
		p.Images = append(p.Images, resolved)
	}
	p.Unmirrored = p.unmirrored()
	p.OnlyMirrored(nil)
	if manifest := p.Rendering.Manifest(); !strings.Contains(manifest, "spilo:17") || !strings.Contains(manifest, "backup:1") {
		t.Errorf("OnlyMirrored() leaves\n%s\nwant all settings", manifest)
	}
	const backup = "configuration.logical_backup.logical_backup_docker_image"
	if diff := cmp.Diff([]string{"OperatorConfiguration conf " + backup}, p.Unmirrored); diff != "" {
		t.Errorf("Unmirrored (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"conf " + backup}, p.Unpullable()); diff != "" {
		t.Errorf("Unpullable() (-want +got):\n%s", diff)
	}
}
