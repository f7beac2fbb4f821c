package holdings

import (
	"context"
	"errors"
	"fmt"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Resolver is as much of a registry as a question after a reference needs.
type Resolver interface {
	// Resolve is as for a registry.Source.
	Resolve(ctx context.Context, repository, reference string) (v1.Descriptor, error)
}

// BlobHolder is as much of a registry as a question after a blob needs.
type BlobHolder interface {
	// HasBlob is as for a registry.Target.
	HasBlob(ctx context.Context, repository string, blob v1.Descriptor) (bool, error)
}

// Question is a reference, and what it should stand for.
type Question struct {
	// Ref is a repository with a tag or a digest. The registry is asked whatever its host.
	Ref ref.Reference
	// Want is the digest that should be there; empty where anything will do.
	Want string
}

// Presence is what a registry holds of something.
type Presence string

// The answers to a question.
const (
	// Present: it is there, as it should be.
	Present Presence = "present"
	// Missing: there is nothing of that name.
	Missing Presence = "missing"
	// Differs: there is something else under that name.
	Differs Presence = "differs"
	// Damaged: it is there, and not all that belongs to it is.
	Damaged Presence = "damaged"
	// Unknown: the registry did not say.
	Unknown Presence = "unknown"
)

// Answer is what a registry holds of what was asked for.
type Answer struct {
	Question
	Presence Presence
	// Held is what the reference stands for; zero where Presence is Missing or Unknown.
	Held v1.Descriptor
	// Lacks are the digests of what is gone where Presence is Damaged.
	Lacks []string
	// Err is why Presence is Unknown; nil otherwise.
	Err error
}

// Ask asks a registry what it holds of each, and answers in the same order, with one request
// for each. It fails where the context ended, and where asking for more makes no sense: the
// registry refuses the login, or cannot be reached.
func Ask(ctx context.Context, held Resolver, questions []Question) ([]Answer, error) {
	return askAll(ctx, questions, func(ctx context.Context, q Question) Answer { return ask(ctx, held, q) })
}

// Ask is the function of that name that looks for everything below what is there too, and below what is
// attached to it where Attached lists that: with one request for each manifest and for each blob.
func (i *Inspector) Ask(ctx context.Context, questions []Question) ([]Answer, error) {
	return askAll(ctx, questions, func(ctx context.Context, q Question) Answer {
		a := ask(ctx, i.registry, q)
		if a.Presence != Present && a.Presence != Differs {
			return a
		}
		lacks, err := i.lacks(ctx, q.Ref, a.Held.Digest)
		switch {
		case err != nil:
			a.Presence, a.Err = Unknown, err
		case len(lacks) > 0:
			a.Presence, a.Lacks = Damaged, lacks
		}
		return a
	})
}

// lacks are the digests of what is gone below a reference, and below what is attached to it.
func (i *Inspector) lacks(ctx context.Context, at ref.Reference, digest v1.Hash) ([]string, error) {
	found, err := i.Look(ctx, at.Repository, digest.String())
	if err != nil || i.Attached == nil {
		return found.Lacks, err
	}
	attached, err := i.attachedLacks(ctx, at.Repository, found.Manifests, i.Named[at])
	lacks := append(found.Lacks, attached...)
	slices.Sort(lacks)
	return slices.Compact(lacks), err
}

func askAll(ctx context.Context, questions []Question, ask func(context.Context, Question) Answer) ([]Answer, error) {
	answers := make([]Answer, len(questions))
	err := each(ctx, len(questions), func(ctx context.Context, i int) error {
		answers[i] = ask(ctx, questions[i])
		if err := answers[i].Err; errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrUnreachable) {
			return err
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func ask(ctx context.Context, held Resolver, q Question) Answer {
	a := Answer{Question: q, Presence: Present}
	reference := q.Ref.Tag
	if reference == "" {
		reference = q.Ref.Digest
	}
	found, err := held.Resolve(ctx, q.Ref.Repository, reference)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		a.Presence = Missing
	case err != nil:
		a.Presence, a.Err = Unknown, err
	default:
		a.Held = found
		if q.Want != "" && found.Digest.String() != q.Want {
			a.Presence = Differs
		}
	}
	return a
}

// Error says what differs, so that an answer can stand among other failures.
func (a Answer) Error() string {
	switch a.Presence {
	case Missing:
		return fmt.Sprintf("%s is missing; the lock has %s", a.Ref, a.Want)
	case Differs:
		return fmt.Sprintf("%s holds %s; the lock has %s", a.Ref, a.Held.Digest, a.Want)
	case Damaged:
		return fmt.Sprintf("%s is damaged: %v", a.Ref, &DamagedError{Missing: a.Lacks})
	case Unknown:
		return a.Err.Error()
	default:
		return fmt.Sprintf("%s is there", a.Ref)
	}
}

// BlobQuestion is a blob, and the repositories in which it may be.
type BlobQuestion struct {
	Blob         v1.Descriptor
	Repositories []string
}

// AskBlobs tells, for each question in its place, which of the repositories hold the blob.
// Where one will do, the others are not asked once it is found.
func AskBlobs(ctx context.Context, held BlobHolder, questions []BlobQuestion, one bool) ([][]string, error) {
	found := make([][]string, len(questions))
	err := each(ctx, len(questions), func(ctx context.Context, i int) error {
		q := questions[i]
		for _, repository := range q.Repositories {
			has, err := held.HasBlob(ctx, repository, q.Blob)
			if err != nil && !errors.Is(err, registry.ErrNotFound) {
				return err
			}
			if !has {
				continue
			}
			if found[i] = append(found[i], repository); one {
				break
			}
		}
		return nil
	})
	return found, err
}

// each calls do for 0 to n-1, some at once, until one fails or the context ends.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, running := errgroup.WithContext(ctx)
	g.SetLimit(askAtOnce)
	for i := range n {
		if running.Err() != nil {
			break
		}
		g.Go(func() error { return do(running, i) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return context.Cause(ctx)
}
