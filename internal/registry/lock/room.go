package lock

import (
	"fmt"
	"io"

	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// RoomError says that a lock would hold more than one that is read may.
type RoomError struct {
	// What there is too much of: "artifacts".
	What string
	// Most is how many, or how much, there may be; Count is how many there are, 0 where nobody has counted.
	Count, Most int
}

// Error says both.
func (e *RoomError) Error() string {
	if e.Count == 0 {
		return fmt.Sprintf("a lock has room for %d %s, and not for all of this", e.Most, e.What)
	}
	return fmt.Sprintf("a lock has room for %d %s, and not for %d", e.Most, e.What, e.Count)
}

// CheckRoom finds out before a copy whether what was locked, and what is planned now, go into one lock.
// Errors are *RoomError.
func CheckRoom(was *Lock, planned *plan.Plan, known *versions.Catalogue) error {
	if fits(was, planned) {
		return nil
	}
	fresh, err := foresee(planned, known)
	if err != nil {
		return err
	}
	merged := Merge(was, fresh)
	if err := merged.checkRoom(); err != nil {
		return err
	}
	// What a lock says besides, of platforms above all, is known only later.
	const later = 128
	return merged.write(&bounded{to: io.Discard, n: later * len(merged.Artifacts)})
}

// fits tells whether everything goes into a lock however much there is to say of each.
func fits(was *Lock, planned *plan.Plan) bool {
	const one, place, blob = 3 << 10, 300, 200 // bytes that none comes to
	artifacts, attachments := len(was.Artifacts)+len(planned.Artifacts), len(was.Attachments)
	for _, a := range planned.Artifacts {
		attachments += len(a.Attachments)
	}
	blobs, places := len(was.Blobs)+len(planned.Blobs), 0
	for _, b := range was.Blobs {
		places += len(b.Repositories)
	}
	for _, b := range planned.Blobs {
		places += len(b.Repositories)
	}
	return artifacts <= MaxArtifacts && attachments <= MaxArtifacts && blobs <= MaxBlobs &&
		(artifacts+attachments)*one+blobs*blob+places*place <= MaxSize
}

// foresee is the lock of what is planned, as far as that is known. What a plan did not read, for the target
// has it, is there with its digest alone.
func foresee(planned *plan.Plan, known *versions.Catalogue) (*Lock, error) {
	var read, other Content
	whole, rest := newGatherer(&read, known), newGatherer(&other, known)
	for _, a := range planned.Artifacts {
		if a.Err != nil || a.Digest == "" {
			continue
		}
		g := rest
		if isWhole(a) {
			g = whole
		}
		if err := g.add(a); err != nil {
			return nil, err
		}
	}
	l, err := read.Lock(nil)
	if err != nil {
		return nil, err
	}
	l.Artifacts = append(l.Artifacts, other.Artifacts...)
	return l, nil
}

// checkRoom wants no more in a lock than one that is read may hold.
func (l *Lock) checkRoom() error {
	for _, held := range []RoomError{
		{"artifacts", len(l.Artifacts), MaxArtifacts},
		{"attachments", len(l.Attachments), MaxArtifacts},
		{"blobs", len(l.Blobs), MaxBlobs},
	} {
		if held.Count > held.Most {
			return &held
		}
	}
	return nil
}

// bounded takes as much as a lock may be large; n is how much of that there was.
type bounded struct {
	to io.Writer
	n  int
}

// Write fails with a *RoomError once it is too much.
func (b *bounded) Write(p []byte) (int, error) {
	if b.n += len(p); b.n > MaxSize {
		return 0, &RoomError{What: "bytes", Most: MaxSize}
	}
	return b.to.Write(p)
}
