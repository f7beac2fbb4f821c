package transfer

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// put puts an artifact's manifests, its tag last. What is attached and refused stays behind.
func (r *run) put(ctx context.Context, a *artifactTask) {
	var unlisted referrers
	manifests := a.Manifests
	if r.opts.Untagged {
		manifests = untagged(manifests)
	}
	for i, m := range manifests {
		if a.left[m.Attachment] != nil {
			continue
		}
		if m.Attachment == "" && i > 0 && manifests[i-1].Attachment != "" {
			r.list(ctx, a, &unlisted) // before the tag
		}
		err := r.putOne(ctx, a, m, &unlisted)
		switch {
		case err == nil:
		case m.Attachment == "" || ctx.Err() != nil:
			r.finish(a, err)
			return
		default:
			a.leave(m.Attachment, err) // nobody else waits for the artifact any more
		}
	}
	r.list(ctx, a, &unlisted)
	r.finish(a, nil)
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
