package lock_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// plannedImages are so many images that are to be copied, of which the plan has read the manifests.
func plannedImages(t *testing.T, n int) *plan.Plan {
	t.Helper()
	manifest, err := oci.New(types.OCIManifestSchema1, []byte(`{"config": {"mediaType": "a/b", "digest": "sha256:`+strings.Repeat("c", 64)+`", "size": 2}}`))
	if err != nil {
		t.Fatal(err)
	}
	p := new(plan.Plan)
	for i := range n {
		at := ref.Reference{Host: "r.example.com", Repository: "a", Tag: fmt.Sprint(i)}
		p.Artifacts = append(p.Artifacts, &plan.Artifact{
			Artifact: versions.Artifact{Role: versions.RoleExtra, Source: at, Target: at}, State: plan.StateNew,
			Digest: manifest.Descriptor.Digest.String(), MediaType: string(manifest.Descriptor.MediaType),
			Manifests: []plan.Manifest{{Manifest: manifest, Reference: at.Tag}},
		})
	}
	return p
}

// wide is a lock of artifacts that are not planned, and of blobs each of which lies in a hundred repositories.
func wide(artifacts, blobs int) *lock.Lock {
	l := &lock.Lock{Schema: lock.Schema}
	for i := range artifacts {
		l.Artifacts = append(l.Artifacts, image("b", fmt.Sprint(i), "a"))
	}
	var everywhere []string
	for i := range 100 {
		everywhere = append(everywhere, fmt.Sprintf("%s/%03d", strings.Repeat("r", 100), i))
	}
	for i := range blobs {
		digest := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%064x", i)}
		l.Blobs = append(l.Blobs, lock.Blob{Digest: digest, Size: 1, Repositories: everywhere})
	}
	return l
}

// Before a copy it is known whether its lock can be written, and after it none is written that cannot be read.
func TestLargeLocksHaveRoom(t *testing.T) {
	for _, tt := range []struct {
		name    string
		was     *lock.Lock
		planned int
		full    string // of what there is too much
	}{
		{"the first of many", wide(0, 0), 12_000, ""},
		{"one too many", wide(lock.MaxArtifacts, 0), 1, "artifacts"},
		{"just as many as there may be", wide(lock.MaxArtifacts-1, 0), 1, ""},
		{"too many bytes", wide(1, 7_000), 1, "bytes"},
		{"many bytes", wide(1, 5_000), 1, ""},
	} {
		var full *lock.RoomError
		err := lock.CheckRoom(tt.was, plannedImages(t, tt.planned), catalogue.Builtin())
		if errors.As(err, &full); (err != nil) != (tt.full != "") || full != nil && full.What != tt.full {
			t.Errorf("%s: CheckRoom() = %v, want too many %q", tt.name, err, tt.full)
		}
	}
	for name, tt := range map[string]struct {
		l    *lock.Lock
		most int // bytes that are written before that is found out
	}{"artifacts": {wide(lock.MaxArtifacts+1, 0), 0}, "bytes": {wide(1, 7_000), lock.MaxSize}} {
		var b bytes.Buffer
		var full *lock.RoomError
		if err := tt.l.Write(&b); !errors.As(err, &full) || full.What != name || b.Len() > tt.most {
			t.Errorf("Write() of too many %s = %v after %d bytes", name, err, b.Len())
		}
	}
}
