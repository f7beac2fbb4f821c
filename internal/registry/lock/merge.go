package lock

import (
	"maps"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Merge is what both locks say of one registry. Where they differ on a reference the second
// counts. It may be the second itself.
func Merge(first, second *Lock) *Lock {
	if second.Schema == Schema && len(first.Artifacts)+len(first.Attachments)+len(first.Blobs) == 0 {
		second.sort()
		return second
	}
	merged := &Lock{Schema: Schema, Selection: second.Selection, Planned: second.Planned}
	merged.Artifacts = byTarget(first.Artifacts, second.Artifacts, func(a Artifact) ref.Reference { return a.Target })
	merged.Attachments = byTarget(first.Attachments, second.Attachments, func(a Attachment) ref.Reference { return a.Target })
	blobs := map[v1.Hash]Blob{}
	for _, b := range slices.Concat(first.Blobs, second.Blobs) {
		known := blobs[b.Digest]
		b.Repositories = union(known.Repositories, b.Repositories)
		blobs[b.Digest] = b
	}
	merged.Blobs = slices.AppendSeq(make([]Blob, 0, len(blobs)), maps.Values(blobs))
	merged.sort()
	return merged
}

func byTarget[T any](first, second []T, target func(T) ref.Reference) []T {
	replaced := map[ref.Reference]bool{}
	for _, e := range second {
		replaced[target(e)] = true
	}
	kept := slices.DeleteFunc(slices.Clone(first), func(e T) bool { return replaced[target(e)] })
	return append(kept, second...)
}

// Keep is a lock of those of the artifacts that keep wants. What was attached to the others alone
// goes with them. Which blobs were theirs alone a lock does not say: in a repository from which
// something goes none is said to be there any more.
func (l *Lock) Keep(keep func(Artifact) bool) *Lock {
	kept := &Lock{Schema: Schema, Selection: l.Selection, Planned: l.Planned}
	gone, wanted := map[string]bool{}, map[ref.Reference]bool{}
	here := map[string]bool{} // repositories of which something stays
	for _, a := range l.Artifacts {
		if !keep(a) {
			gone[a.Target.Repository] = true
			continue
		}
		kept.Artifacts = append(kept.Artifacts, a)
		here[a.Target.Repository] = true
		for _, digest := range a.Attachments {
			wanted[ref.Reference{Repository: a.Target.Repository, Digest: digest.String()}] = true
		}
	}
	for _, a := range l.Attachments {
		// Earlier locks do not say what belongs to what.
		theirs := ref.Reference{Repository: a.Target.Repository, Digest: a.Digest.String()}
		if wanted[theirs] || here[a.Target.Repository] && !gone[a.Target.Repository] {
			kept.Attachments = append(kept.Attachments, a)
		}
	}
	for _, b := range l.Blobs {
		b.Repositories = slices.DeleteFunc(slices.Clone(b.Repositories), func(r string) bool { return gone[r] })
		if len(b.Repositories) > 0 {
			kept.Blobs = append(kept.Blobs, b)
		}
	}
	kept.sort()
	return kept
}

// Changed tells whether another lock says anything else.
func (l *Lock) Changed(other *Lock) bool { return string(l.Marshal()) != string(other.Marshal()) }
