package lock

import (
	"errors"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// An error about a blob that is known by its digest alone says where the blob comes from.
func TestLocated(t *testing.T) {
	digest := v1.Hash{Algorithm: "sha256", Hex: strings.Repeat("a", 64)}
	c := &Collection{blobs: map[v1.Hash]*plan.Blob{digest: {Origins: []plan.Origin{{Host: "r.example.com", Repository: "pg/op"}}}}}
	broken := &registry.Error{Op: "fetching blob", Side: registry.SideSource, Ref: digest.String(), Err: registry.ErrDigestMismatch}
	want := "source: fetching blob r.example.com/pg/op@" + digest.String() + ": digest mismatch"
	if err := c.Located(broken); err.Error() != want || !errors.Is(err, registry.ErrDigestMismatch) {
		t.Errorf("Located() = %q, want %q", err, want)
	}
	for _, other := range []error{nil, registry.ErrQuota, &registry.Error{Op: "fetching", Ref: "elsewhere", Err: registry.ErrQuota}} {
		if err := c.Located(other); err != other { //nolint:errorlint // it stays the same
			t.Errorf("Located(%v) = %v, want it as it is", other, err)
		}
	}
}
