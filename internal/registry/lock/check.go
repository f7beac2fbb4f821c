package lock

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// MaxBlob is the largest size that is believed, in bytes: an exbibyte.
const MaxBlob = 1 << 60

var roles = []versions.Role{versions.RoleChart, versions.RoleOperator, versions.RoleInstance, versions.RoleExtra}

// check finds what no honest lock holds.
func (l *Lock) check() error {
	if l.Schema != Schema {
		return fmt.Errorf("lock of schema %q, want %q: it was written by another version of pgrelocate", l.Schema, Schema)
	}
	seen := make(map[string]v1.Hash)
	for _, a := range l.Artifacts {
		if !slices.Contains(roles, a.Role) {
			return fmt.Errorf("lock: %s is of no known role: %q", a.Target, a.Role)
		}
		if err := checkLocked(a.Source, a.Target, a.Base, a.Descriptor(), seen); err != nil {
			return err
		}
	}
	for _, a := range l.Attachments {
		if err := checkLocked(a.Source, a.Target, a.Base, a.Descriptor(), seen); err != nil {
			return err
		}
	}
	return l.checkBlobs()
}

func (l *Lock) checkBlobs() error {
	seen := make(map[v1.Hash]bool)
	for _, b := range l.Blobs {
		if b.Digest.Hex == "" || b.Size < 0 || b.Size > MaxBlob || seen[b.Digest] {
			return fmt.Errorf("lock: blob %s of %d bytes cannot be, or is there twice", b.Digest, b.Size)
		}
		seen[b.Digest] = true
		for _, r := range b.Repositories {
			if err := checkRepository(r); err != nil {
				return fmt.Errorf("lock: blob %s: %w", b.Digest, err)
			}
		}
	}
	return nil
}

// checkLocked checks one reference with its content; seen are the targets before it.
func checkLocked(source, target ref.Reference, base string, d v1.Descriptor, seen map[string]v1.Hash) error {
	if d.Digest.Hex == "" || d.Size < 0 || d.Size > MaxManifest {
		return fmt.Errorf("lock: %s: a manifest %s of %d bytes cannot be", target, d.Digest, d.Size)
	}
	if target.Tag == "" && target.Digest == "" {
		return fmt.Errorf("lock: %s has neither tag nor digest", target)
	}
	if target.Digest != "" && target.Digest != d.Digest.String() {
		return fmt.Errorf("lock: %s is locked to another digest, %s", target, d.Digest)
	}
	for _, ref := range []ref.Reference{source, target} {
		if err := checkReference(ref); err != nil {
			return err
		}
	}
	if base != "" && !strings.HasPrefix(target.Repository, base+"/") {
		return fmt.Errorf("lock: %s is not below %s", target.Repository, base)
	}
	if other, ok := seen[target.String()]; ok && other != d.Digest {
		return fmt.Errorf("lock: %s stands for two contents, %s and %s", target, other, d.Digest)
	}
	seen[target.String()] = d.Digest
	return nil
}

// checkReference holds a reference against the grammar of references. A host may be
// missing, for that of the target is not known before a bundle is loaded.
func checkReference(r ref.Reference) error {
	if r.Host == "" {
		r.Host = "registry.invalid"
	}
	got, err := ref.Parse(r.String())
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if got != r {
		return fmt.Errorf("lock: %q is not a reference", r)
	}
	return nil
}

func checkRepository(repository string) error {
	return checkReference(ref.Reference{Repository: repository, Tag: "latest"})
}
