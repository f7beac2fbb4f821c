package lock_test

import (
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

func hash(digit string) v1.Hash { return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(digit, 64)} }

// image is an artifact of a lock with what is attached to it.
func image(repository, tag, digit string, attached ...string) lock.Artifact {
	a := lock.Artifact{
		Artifact: versions.Artifact{
			Role:   versions.RoleInstance,
			Source: ref.Reference{Host: "vendor.example.com", Repository: repository, Tag: tag},
			Target: ref.Reference{Host: "r.example.com", Repository: repository, Tag: tag},
		},
		Digest: hash(digit), MediaType: "application/vnd.oci.image.manifest.v1+json", Size: 1,
	}
	for _, d := range attached {
		a.Attachments = append(a.Attachments, hash(d))
	}
	return a
}

// attachment is one of a lock, by its digest.
func attachment(repository, digit string) lock.Attachment {
	at := ref.Reference{Host: "r.example.com", Repository: repository, Digest: hash(digit).String()}
	return lock.Attachment{Source: at, Target: at, Digest: hash(digit), MediaType: "a/b", Size: 1}
}

// told is what a lock has, briefly.
func told(l *lock.Lock) (all []string) {
	for _, a := range l.Artifacts {
		all = append(all, a.Target.Repository+":"+a.Target.Tag+" "+a.Digest.Hex[:1])
	}
	for _, a := range l.Attachments {
		all = append(all, a.Target.Repository+"@"+a.Digest.Hex[:1])
	}
	for _, b := range l.Blobs {
		all = append(all, "blob "+b.Digest.Hex[:1]+" in "+strings.Join(b.Repositories, ","))
	}
	return all
}

// both is two artifacts in pg, one with an attachment of its own and both with a shared one, and one
// in other.
func both() *lock.Lock {
	return &lock.Lock{
		Schema: lock.Schema, Selection: &lock.Selection{Product: "p", Releases: []string{"1"}, Registry: "r.example.com"},
		Artifacts:   []lock.Artifact{image("pg", "1", "a", "c", "d"), image("pg", "2", "b", "d"), image("other", "1", "e", "f")},
		Attachments: []lock.Attachment{attachment("pg", "c"), attachment("pg", "d"), attachment("other", "f")},
		Blobs: []lock.Blob{
			{Digest: hash("1"), Size: 1, Repositories: []string{"other", "pg"}}, {Digest: hash("2"), Size: 1, Repositories: []string{"pg"}},
		},
	}
}

// What goes takes its own attachments along; what is shared stays, and of the repository that it goes
// from no blob is said to be there any more.
func TestKeep(t *testing.T) {
	l := both()
	kept := l.Keep(func(a lock.Artifact) bool { return a.Target != l.Artifacts[0].Target })
	want := []string{"other:1 e", "pg:2 b", "other@f", "pg@d", "blob 1 in other"}
	if got := told(kept); !slices.Equal(got, want) {
		t.Errorf("Keep(all but one) has %q, want %q", got, want)
	}
	if kept.Selection == nil || kept.Schema != lock.Schema {
		t.Errorf("Keep() = %+v, want the selection too", kept)
	}
	if before := told(both()); !slices.Equal(told(l), before) {
		t.Errorf("Keep() has changed the lock that it was asked of: %q", told(l))
	}
	if all := l.Keep(func(lock.Artifact) bool { return true }); l.Changed(all) {
		t.Errorf("Keep(all) has %q", told(all))
	}
	if none := l.Keep(func(lock.Artifact) bool { return false }); len(told(none)) != 0 {
		t.Errorf("Keep(none) has %q, want nothing", told(none))
	}
	// Earlier locks do not say what belongs to what: attachments go only where all of a repository stays
	// or goes.
	for i := range l.Artifacts {
		l.Artifacts[i].Attachments = nil
	}
	l.Schema = lock.Earlier
	kept = l.Keep(func(a lock.Artifact) bool { return a.Target.Repository == "pg" })
	if want := []string{"pg:1 a", "pg:2 b", "pg@c", "pg@d", "blob 1 in pg", "blob 2 in pg"}; !slices.Equal(told(kept), want) {
		t.Errorf("Keep(a repository) of an earlier lock has %q, want %q", told(kept), want)
	}
}

// Of what both say something the second counts, and blobs are wherever one of them says.
func TestMerge(t *testing.T) {
	later := &lock.Lock{
		Schema: lock.Schema, Selection: &lock.Selection{Product: "q", Releases: []string{"2"}, Registry: "r.example.com"},
		Artifacts: []lock.Artifact{image("pg", "1", "9"), image("pg", "3", "8")},
		Blobs:     []lock.Blob{{Digest: hash("2"), Size: 1, Repositories: []string{"new"}}, {Digest: hash("3"), Size: 1, Repositories: []string{"pg"}}},
	}
	first := both()
	got := lock.Merge(first, later)
	want := []string{
		"other:1 e", "pg:1 9", "pg:2 b", "pg:3 8", "other@f", "pg@c", "pg@d",
		"blob 1 in other,pg", "blob 2 in new,pg", "blob 3 in pg",
	}
	if !slices.Equal(told(got), want) || got.Selection.Product != "q" {
		t.Errorf("Merge() has %q of %q, want %q of q", told(got), got.Selection.Product, want)
	}
	if _, err := lock.Parse(got.Marshal()); err != nil {
		t.Errorf("Parse(Merge()) = %v", err)
	}
	if again := lock.Merge(first, first); first.Changed(again) {
		t.Errorf("Merge(a lock with itself) has %q", told(again))
	}
}
