package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// A copy whose lock could not be read again is refused before anything is copied.
func TestALockThatIsFull(t *testing.T) {
	elsewhere(t)
	vendor, private := twoRegistries(t, "v4.0.0")
	full := &lock.Lock{Schema: lock.Schema, Selection: &lock.Selection{Product: "tanzu", Releases: []string{"v4.0.0"}, Registry: private.Host}}
	for i := range lock.MaxArtifacts {
		at := ref.Reference{Host: private.Host, Repository: "retired", Tag: fmt.Sprint(i)}
		full.Artifacts = append(full.Artifacts, lock.Artifact{
			Artifact: versions.Artifact{Role: versions.RoleExtra, Source: at, Target: at}, Retired: true,
			Digest: v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}, MediaType: "a/b", Size: 1,
		})
	}
	var before bytes.Buffer
	if err := full.Write(&before); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("full.lock", before.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	streams, _, messages := terminal.Test("")
	args := []string{"copy", "--release=v4.0.0", "--source=" + vendor.Host, "--registry=" + private.Host, "--lock=full.lock"}
	code := run(t.Context(), args, streams)
	for _, want := range []string{"full.lock: a lock has room for 50000 artifacts", "--lock none"} {
		if code != exit.Usage || !strings.Contains(messages.String(), want) {
			t.Errorf("run(%v) = %d, %s; want %d, and %q", args, code, messages, exit.Usage, want)
		}
	}
	if held := private.Contents(t); len(held) > 0 {
		t.Errorf("the target holds %v, want nothing", held)
	}
	if after, err := os.ReadFile("full.lock"); err != nil || !bytes.Equal(after, before.Bytes()) {
		t.Errorf("the lock was changed, %v", err)
	}
}
