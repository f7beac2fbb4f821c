package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// put puts an artifact's manifests: what is attached after the image and before its tag, side by
// side, for there may be hundreds. What is attached and refused stays behind.
func (r *run) put(ctx context.Context, a *artifactTask) {
	var unlisted referrers
	manifests := a.Manifests
	if r.opts.Untagged {
		manifests = untagged(manifests)
	}
	for _, wave := range waves(manifests) {
		if wave[0][0].Attachment == "" {
			r.list(ctx, a, &unlisted) // before the tag
		}
		err := r.putWave(ctx, a, wave, &unlisted)
		if err != nil {
			r.finish(a, err)
			return
		}
	}
	r.list(ctx, a, &unlisted)
	r.finish(a, nil)
}

// waves are manifests in groups: those of a group go one after the other, the groups of a wave side
// by side, and wave after wave. What belongs to the artifact itself is one group.
func waves(manifests []plan.Manifest) [][][]plan.Manifest {
	var all [][][]plan.Manifest
	for i, m := range manifests {
		last := len(all) - 1
		switch {
		case i == 0 || m.Wave != manifests[i-1].Wave:
			all = append(all, [][]plan.Manifest{{m}})
		case m.Attachment != manifests[i-1].Attachment:
			all[last] = append(all[last], []plan.Manifest{m})
		default:
			group := &all[last][len(all[last])-1]
			*group = append(*group, m)
		}
	}
	return all
}

// putWave puts the groups of a wave. The error is why the artifact itself cannot be put.
func (r *run) putWave(ctx context.Context, a *artifactTask, wave [][]plan.Manifest, unlisted *referrers) error {
	type outcome struct {
		unlisted referrers
		err      error
	}
	outcomes := make([]outcome, len(wave))
	var group errgroup.Group
	group.SetLimit(r.opts.Jobs)
	for i, manifests := range wave {
		if a.left[manifests[0].Attachment] != nil {
			continue
		}
		group.Go(func() error {
			outcomes[i].err = r.putGroup(ctx, a, manifests, &outcomes[i].unlisted)
			return nil
		})
	}
	_ = group.Wait()
	for i, outcome := range outcomes {
		attachment := wave[i][0].Attachment
		switch {
		case outcome.err == nil:
		case attachment == "" || ctx.Err() != nil:
			return outcome.err
		default:
			a.leave(attachment, outcome.err) // nobody else waits for the artifact any more
		}
		unlisted.join(outcome.unlisted)
	}
	return nil
}

// putGroup puts manifests that need one another, one after the other.
func (r *run) putGroup(ctx context.Context, a *artifactTask, manifests []plan.Manifest, unlisted *referrers) error {
	for _, m := range manifests {
		if err := r.putOne(ctx, a, m, unlisted); err != nil {
			return err
		}
	}
	return nil
}

// untagged are manifests by digest, each once.
func untagged(manifests []plan.Manifest) []plan.Manifest {
	var all []plan.Manifest
	seen := map[v1.Hash]bool{}
	for _, m := range manifests {
		if digest := m.Descriptor.Digest; !seen[digest] {
			seen[digest], m.Reference = true, digest.String()
			all = append(all, m)
		}
	}
	return all
}

// putOne puts a manifest and remembers whether its subject's list lacks it.
func (r *run) putOne(ctx context.Context, a *artifactTask, m plan.Manifest, unlisted *referrers) error {
	listed, err := r.target.PushManifest(ctx, a.Target.Repository, m.Reference, m.Manifest)
	if errors.Is(err, registry.ErrBlobUnknown) {
		listed, err = r.repair(ctx, a, m, err)
	}
	if err != nil || listed {
		return err
	}
	links, err := oci.Parse(m.Manifest)
	if err != nil || links.Subject == nil {
		return err
	}
	unlisted.add(links.Subject.Digest, links.Referrer(m.Descriptor), cmp.Or(m.Attachment, m.Descriptor.Digest.String()))
	return nil
}

// list makes the referrers known that the target has not listed by itself, once a subject.
func (r *run) list(ctx context.Context, a *artifactTask, unlisted *referrers) {
	if r.opts.Untagged {
		return
	}
	for _, subject := range unlisted.subjects {
		entries := unlisted.of[subject]
		if err := r.target.ListReferrers(ctx, a.Target.Repository, subject, entries.listed); err != nil {
			for _, attachment := range entries.attachments {
				a.leave(attachment, fmt.Errorf("listing what refers to %s: %w", subject, err))
			}
		}
	}
	*unlisted = referrers{}
}

// referrers are manifests by their subjects, in the order in which they came.
type referrers struct {
	subjects []v1.Hash
	of       map[v1.Hash]*entries
}

type entries struct {
	listed      []v1.Descriptor
	attachments []string
}

func (r *referrers) add(subject v1.Hash, d v1.Descriptor, attachment string) {
	if r.of == nil {
		r.of = map[v1.Hash]*entries{}
	}
	of := r.of[subject]
	if of == nil {
		of = &entries{}
		r.of[subject] = of
		r.subjects = append(r.subjects, subject)
	}
	of.listed = append(of.listed, d)
	of.attachments = append(of.attachments, attachment)
}

func (r *referrers) join(other referrers) {
	for _, subject := range other.subjects {
		for i, d := range other.of[subject].listed {
			r.add(subject, d, other.of[subject].attachments[i])
		}
	}
}
