package lock

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// MaxBlob is the largest size that is believed, in bytes: an exbibyte.
const MaxBlob = 1 << 60

// MaxPlatforms is for how many platforms an artifact may be.
const MaxPlatforms = 100

var platform = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){0,2}(:[A-Za-z0-9_.-]+)?$`)

var roles = []versions.Role{versions.RoleChart, versions.RoleOperator, versions.RoleInstance, versions.RoleExtra, versions.RoleChartImage}

// ErrPlanned says that a lock is a plan: what it names need not be there.
var ErrPlanned = errors.New("it is a plan, and no lock")

// ErrOtherVersion says that a lock is of a schema that is not known here.
var ErrOtherVersion = errors.New("it was written by another version of pgrelocate")

// NotALockError says why something is no lock.
type NotALockError struct{ Err error }

// Error is "not a lock: …".
func (e *NotALockError) Error() string { return "not a lock: " + e.Err.Error() }

// Unwrap returns the reason.
func (e *NotALockError) Unwrap() error { return e.Err }

// check finds what no honest lock holds.
func (l *Lock) check() error {
	if err := checkSchema(l.Schema); err != nil {
		return err
	}
	if err := l.Selection.check(); err != nil {
		return err
	}
	if err := l.checkRoom(); err != nil {
		return err
	}
	for _, a := range l.Artifacts {
		if err := a.check(); err != nil {
			return err
		}
	}
	for _, a := range l.Attachments {
		if err := a.check(); err != nil {
			return err
		}
	}
	for _, b := range l.Blobs {
		if err := b.check(); err != nil {
			return err
		}
	}
	return l.checkTogether()
}

func checkSchema(schema string) error {
	switch {
	case schema == Schema, schema == Earlier:
		return nil
	case !strings.HasPrefix(schema, "pgrelocate.lock/"):
		return fmt.Errorf("its schema is %q, and not %q", schema, Schema)
	default:
		return fmt.Errorf("%w: its schema is %q, and not %q", ErrOtherVersion, schema, Schema)
	}
}

// checkEarlier finds what locks of the earlier schema did not say.
func (l *Lock) checkEarlier() error {
	says := func(a Artifact) bool {
		return a.Bytes != 0 || a.Platforms != nil || a.Left != nil || a.Attachments != nil || a.Held != nil || a.Retired || a.Checked != nil
	}
	if l.Schema == Earlier && (l.Planned || l.Selection != nil || slices.ContainsFunc(l.Artifacts, says)) {
		return fmt.Errorf("it says more than one of schema %q can", Earlier)
	}
	return nil
}

// checkTogether finds what may stand in a lock, and not beside something else.
func (l *Lock) checkTogether() error {
	if err := l.checkEarlier(); err != nil {
		return err
	}
	if err := l.checkPlaces(); err != nil {
		return err
	}
	targets := make(map[ref.Reference]v1.Hash)
	once := func(target ref.Reference, digest v1.Hash) error {
		if other, ok := targets[target]; ok && other != digest {
			return fmt.Errorf("%s stands for two contents, %s and %s", target, other, digest)
		}
		targets[target] = digest
		return nil
	}
	for _, a := range l.Artifacts {
		if err := once(a.Target, a.Digest); err != nil {
			return err
		}
	}
	for _, a := range l.Attachments {
		if err := once(a.Target, a.Digest); err != nil {
			return err
		}
	}
	byDigest := make([]int32, len(l.Blobs))
	for i := range byDigest {
		byDigest[i] = int32(i)
	}
	compare := func(i, j int32) int { return strings.Compare(l.Blobs[i].Digest.Hex, l.Blobs[j].Digest.Hex) }
	slices.SortFunc(byDigest, compare)
	for i := range len(byDigest) - 1 {
		if l.Blobs[byDigest[i]].Digest == l.Blobs[byDigest[i+1]].Digest {
			return fmt.Errorf("blob %s is there twice", l.Blobs[byDigest[i]].Digest)
		}
	}
	return nil
}

// checkPlaces finds blobs that are for artifacts which are not there.
func (l *Lock) checkPlaces() error {
	for _, b := range l.Blobs {
		if !l.Planned && (b.Held || b.Artifacts != nil) {
			return fmt.Errorf("blob %s says what only a plan does", b.Digest)
		}
		for i, place := range b.Artifacts {
			if place < 0 || place >= len(l.Artifacts) || i > 0 && place <= b.Artifacts[i-1] {
				return fmt.Errorf("blob %s is for artifacts that cannot be: %d", b.Digest, place)
			}
		}
	}
	return nil
}

func (a *Artifact) check() error {
	if !slices.Contains(roles, a.Role) {
		return fmt.Errorf("%s is of no known role: %q", a.Target, a.Role)
	}
	if a.Bytes < 0 || a.Bytes > MaxBlob || len(a.Platforms) > MaxPlatforms {
		return fmt.Errorf("%s of %d bytes for %d platforms cannot be", a.Target, a.Bytes, len(a.Platforms))
	}
	if err := a.Checked.check(); err != nil {
		return fmt.Errorf("what was checked of %s: %w", a.Target, err)
	}
	if err := a.checkLeft(); err != nil {
		return err
	}
	for _, p := range a.Platforms {
		if !platform.MatchString(p) {
			return fmt.Errorf("%s is for no platform: %q", a.Target, p)
		}
	}
	return checkLocked(a.Source, a.Target, a.Base, a.Descriptor())
}

// checkLeft wants only indexes to leave something behind, and each once.
func (a *Artifact) checkLeft() error {
	if len(a.Left) > 0 && !a.MediaType.IsIndex() {
		return fmt.Errorf("%s is no index, and leaves images behind", a.Target)
	}
	for i, digest := range a.Left {
		if digest.Hex == "" || i > 0 && compareDigests(a.Left[i-1], digest) >= 0 {
			return fmt.Errorf("%s leaves %s behind, which cannot be, or is out of its order", a.Target, digest)
		}
	}
	return nil
}

func (a *Attachment) check() error {
	return checkLocked(a.Source, a.Target, a.Base, a.Descriptor())
}

func (b *Blob) check() error {
	if b.Digest.Hex == "" || b.Size < 0 || b.Size > MaxBlob {
		return fmt.Errorf("blob %s of %d bytes cannot be", b.Digest, b.Size)
	}
	for _, r := range b.Repositories {
		if err := checkRepository(r); err != nil {
			return fmt.Errorf("blob %s: %w", b.Digest, err)
		}
	}
	return nil
}

// checkLocked checks one reference with its content.
func checkLocked(source, target ref.Reference, base string, d v1.Descriptor) error {
	if d.Digest.Hex == "" || d.Size < 0 || d.Size > MaxManifest {
		return fmt.Errorf("%s: a manifest %s of %d bytes cannot be", target, d.Digest, d.Size)
	}
	if target.Tag == "" && target.Digest == "" {
		return fmt.Errorf("%s has neither tag nor digest", target)
	}
	if target.Digest != "" && target.Digest != d.Digest.String() {
		return fmt.Errorf("%s is locked to another digest, %s", target, d.Digest)
	}
	for _, ref := range []ref.Reference{source, target} {
		if err := checkReference(ref); err != nil {
			return err
		}
	}
	if base != "" && !strings.HasPrefix(target.Repository, base+"/") {
		return fmt.Errorf("%s is not below %s", target.Repository, base)
	}
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
		return err
	}
	if got != r {
		return fmt.Errorf("%q is not a reference", r)
	}
	return nil
}

func checkRepository(repository string) error {
	return checkReference(ref.Reference{Repository: repository, Tag: "latest"})
}
