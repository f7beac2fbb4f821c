package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// copied is a demonstration that has come as far as the first copy.
func copied(t *testing.T) *demo {
	t.Helper()
	streams, _, _ := terminal.Test("")
	d, err := newDemo(newApp(streams), config.Defaults(), demoOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	for _, step := range d.steps()[:4] {
		if err := step.run(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.title, err)
		}
	}
	return d
}

// overwrite puts something else under the operator's tag.
func overwrite(t *testing.T, repository string) {
	t.Helper()
	image, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(repository + "/postgres-operator:v4.3.1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, image, remote.WithContext(t.Context())); err != nil {
		t.Fatal(err)
	}
}

// The check at the end tells the truth: it finds content that is not what was published,
// on either side.
func TestDemoCheckFindsOtherContent(t *testing.T) {
	tests := []struct {
		name       string
		repository func(*demo) string
	}{
		{"at the private registry", func(d *demo) string { return d.private.Host + "/tanzu-sql-postgres" }},
		{"at the vendor's", func(d *demo) string { return d.vendor.Host }},
		{"on both sides alike", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := copied(t)
			if err := d.check(t.Context()); err != nil {
				t.Fatalf("check() = %v, want no error before anything is changed", err)
			}
			if tt.repository != nil {
				overwrite(t, tt.repository(d))
			} else {
				d.published[1].Source.Digest = d.published[0].Source.Digest
			}
			err := d.check(t.Context())
			if exit.Code(err) != exit.Verification || !strings.Contains(err.Error(), "postgres-operator:v4.3.1 is sha256:") {
				t.Errorf("check() = %v, want a verification error that names the operator", err)
			}
		})
	}
}

// Neither does the second copy pass where it had to write.
func TestDemoSecondCopyFindsWrites(t *testing.T) {
	d := copied(t)
	overwrite(t, d.private.Host+"/tanzu-sql-postgres")
	var partial *exit.PartialError
	if err := d.copyAgain(t.Context()); !errors.As(err, &partial) {
		t.Errorf("copyAgain() over another tag = %v, want one artifact to fail", err)
	}
	d.cfg.OnConflict = "update"
	if err := d.copyAgain(t.Context()); err == nil || !strings.Contains(err.Error(), "the second copy wrote") {
		t.Errorf("copyAgain() that writes = %v, want that found", err)
	}
}
