package transfer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// artifactTask is one artifact on its way: it is put when nothing is missing any more.
type artifactTask struct {
	*plan.Artifact
	// missing are the placements that are waited for, in any order.
	missing []wait
	err     error
	done    bool
	// left are the attachments that cannot be put, with the reasons; nil while there is none.
	left map[string]error
	// release are the blobs that other repositories may mount once the artifact is put: some
	// registries mount only what a manifest refers to.
	release []*blobTask
}

// wait is a placement that is waited for, with what needs it: attachments by their digest, and the
// artifact itself as "".
type wait struct {
	*placement
	needs []string
}

// blobTask is one blob on its way to the repositories that lack it.
type blobTask struct {
	*plan.Blob
	placements []*placement
	home       string // the repository that holds it; empty while none does
	gauge      gauge
	// lost are origins at which it could not be read, and why: nobody tries them again.
	lost   []plan.Origin
	lostTo error
}

// placement is one blob in one repository that lacks it.
type placement struct {
	blob       *blobTask
	repository string
	waiting    []*artifactTask
	settled    bool // there, or failed
	started    bool
	stop       context.CancelCauseFunc // ends what is under way for it; nil while nothing is
}

// unwanted tells whether nobody waits for it any more.
func (p *placement) unwanted() bool {
	return !slices.ContainsFunc(p.waiting, func(a *artifactTask) bool { return !a.done })
}

// newArtifactTask finds out what an artifact still lacks.
func newArtifactTask(a *plan.Artifact, tasks map[plan.BlobKey]*blobTask) *artifactTask {
	task := &artifactTask{Artifact: a, err: a.Err}
	if a.State == plan.StateFailed {
		return task
	}
	for _, m := range a.Manifests {
		for _, d := range m.Blobs {
			if at := tasks[plan.KeyOf(*d)].in(a.Target.Repository); at != nil {
				task.await(at, m.Attachment)
			}
		}
	}
	task.missing = slices.Clone(task.missing) // thousands of them are kept
	return task
}

// await notes that an artifact, or an attachment of it, needs a blob.
func (a *artifactTask) await(at *placement, attachment string) {
	// Who waits last for a placement is this artifact, if it does.
	if n := len(at.waiting); n == 0 || at.waiting[n-1] != a {
		at.waiting = append(at.waiting, a)
		a.missing = append(a.missing, wait{at, needing(nil, attachment)})
		return
	}
	if w := &a.missing[a.waits(at)]; !slices.Contains(w.needs, attachment) {
		w.needs = needing(w.needs, attachment)
	}
}

// waits is the place of a placement among those that are missing; -1 where it is not.
func (a *artifactTask) waits(p *placement) int {
	return slices.IndexFunc(a.missing, func(w wait) bool { return w.placement == p })
}

// got notes that a placement is not waited for any more. It returns what needed it.
func (a *artifactTask) got(p *placement) []string {
	i := a.waits(p)
	if i < 0 {
		return nil
	}
	needs, last := a.missing[i].needs, len(a.missing)-1
	a.missing[i] = a.missing[last]
	a.missing[last] = wait{}
	a.missing = a.missing[:last]
	return needs
}

// itself is what needs a blob where that is the artifact and nothing else, as nearly always.
var itself = []string{""}

// needing adds the artifact, or one of its attachments, to what needs a blob.
func needing(needs []string, attachment string) []string {
	if needs == nil && attachment == "" {
		return itself[:1:1]
	}
	return append(needs, attachment)
}

// in is the blob's placement in a repository, nil where it is there already.
func (b *blobTask) in(repository string) *placement {
	if slices.Contains(b.Present, repository) {
		return nil
	}
	for _, p := range b.placements {
		if p.repository == repository {
			return p
		}
	}
	p := &placement{blob: b, repository: repository}
	b.placements = append(b.placements, p)
	return p
}

// without notes that a placement came to nothing. It tells whether the artifact itself needs
// it; what is attached is left behind.
func (a *artifactTask) without(p *placement, err error) (fails bool) {
	for _, needs := range a.got(p) {
		if needs == "" {
			fails = true
		} else {
			a.leave(needs, err)
		}
	}
	return fails
}

// leave notes why an attachment stays behind; the first reason counts.
func (a *artifactTask) leave(attachment string, err error) {
	if a.left == nil {
		a.left = map[string]error{}
	}
	if a.left[attachment] == nil {
		a.left[attachment] = err
	}
}

// incomplete is what the artifact lacks of what is attached to it; nil where it has all.
func (a *artifactTask) incomplete() error {
	var errs []error
	if a.Incomplete != nil {
		errs = append(errs, a.Incomplete.Errs...)
	}
	for _, digest := range slices.Sorted(maps.Keys(a.left)) {
		errs = append(errs, fmt.Errorf("%s, which is attached to it, did not arrive: %w", digest, a.left[digest]))
	}
	if errs == nil {
		return nil
	}
	return &registry.IncompleteError{Errs: errs}
}

// result is what became of the artifact.
func (a *artifactTask) result() Result {
	result := Result{Artifact: a.Artifact, Err: a.err}
	if a.err == nil {
		result.Incomplete = a.incomplete()
	}
	return result
}
