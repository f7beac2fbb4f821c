package transfer

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// artifactTask is one artifact on its way: it is put when nothing is missing any more.
type artifactTask struct {
	*plan.Artifact
	missing map[*placement]bool
	own     map[*placement]bool // those that the artifact needs itself, beside what is attached
	err     error
	done    bool
	// release are the blobs that other repositories may mount once the artifact is put: some
	// registries mount only what a manifest refers to.
	release []*blobTask
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
}

// newArtifactTask finds out what an artifact still lacks.
func newArtifactTask(a *plan.Artifact, tasks map[plan.BlobKey]*blobTask) *artifactTask {
	task := &artifactTask{Artifact: a, missing: map[*placement]bool{}, own: map[*placement]bool{}, err: a.Err}
	if a.State == plan.StateFailed {
		return task
	}
	for _, m := range a.Manifests {
		for _, d := range m.Blobs {
			at := tasks[plan.KeyOf(d)].in(a.Target.Repository)
			if at != nil && !m.Attached {
				task.own[at] = true
			}
			if at != nil && !task.missing[at] {
				task.missing[at] = true
				at.waiting = append(at.waiting, task)
			}
		}
	}
	return task
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

// failure is why an artifact failed for want of a blob: a user can do without what is attached.
func (a *artifactTask) failure(p *placement, err error) error {
	var named *registry.Error
	if a.own[p] || !errors.As(err, &named) || named.Side != registry.SideSource {
		return err
	}
	hinted := *named
	hinted.Err = fmt.Errorf("%w, which only a signature or another attachment needs", named.Err)
	hinted.Hint = cmp.Or(named.Hint, "--signatures=false copies the image without its attachments")
	return &hinted
}
