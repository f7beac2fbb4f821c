package integration_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/pgrelocate/pgrelocate/internal/chart/standin"
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/tests/internal/program"
)

// A bundle carries the program, and at the other side it lies where "self push" puts it: what was
// loaded is what would be pushed.
func TestBundleCarriesTheProgram(t *testing.T) {
	file, err := program.Build()
	if err != nil {
		t.Fatal(err)
	}
	vendor, private := registrytest.InProcess(t, registrytest.Options{}), registrytest.Debian(t, registrytest.Options{})
	made, err := standin.New(standin.Options{Release: "v4.3.1", Bytes: 5_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := made.Push(t.Context(), ref.Folder{Host: vendor.Host}); err != nil {
		t.Fatal(err)
	}
	bundle := filepath.Join(t.TempDir(), "pg.tar")
	for _, args := range [][]string{
		{"save", bundle, "--source", vendor.Host, "--versions", "17.5", "--with-program"},
		{"load", bundle, "--registry", private.Host + "/tools"},
		// It is there, digest and all, so that nothing is pushed.
		{"self", "push", "--registry", private.Host + "/tools"},
	} {
		cmd := exec.CommandContext(t.Context(), file, args...)
		if args[0] != "save" {
			cmd.Args = append(cmd.Args, "--state-dir", t.TempDir())
		}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, out)
		}
		t.Logf("%v\n%s", args, out)
	}
	repository, err := name.NewRepository(private.Host+"/tools/pgrelocate", name.Insecure)
	if err != nil {
		t.Fatal(err)
	}
	tags, err := remote.List(repository)
	if err != nil || len(tags) != 1 {
		t.Fatalf("the tags are %q, %v, want one", tags, err)
	}
	index, err := remote.Index(repository.Tag(tags[0]))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
}
