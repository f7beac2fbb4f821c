package lock

import (
	"context"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Difference is an artifact that a registry does not hold as a lock says.
type Difference struct {
	versions.Artifact
	holdings.Answer
}

// Error says what differs.
func (d Difference) Error() string { return d.Answer.Error() }

// Compare holds a registry against the lock, one request for each artifact. It returns
// what differs, in the lock's order.
func (l *Lock) Compare(ctx context.Context, held holdings.Resolver, in ref.Folder) ([]Difference, error) {
	artifacts := l.ArtifactsFor(in)
	questions := make([]holdings.Question, len(artifacts))
	for i, a := range artifacts {
		questions[i] = holdings.Question{Ref: a.Target, Want: l.Artifacts[i].Digest.String()}
	}
	answers, err := holdings.Ask(ctx, held, questions)
	if err != nil {
		return nil, err
	}
	var all []Difference
	for i, a := range answers {
		switch a.Presence {
		case holdings.Present:
		case holdings.Unknown:
			return nil, a.Err
		default:
			all = append(all, Difference{Artifact: artifacts[i], Answer: a})
		}
	}
	return all, nil
}

// ArtifactsFor are the lock's artifacts with their targets in a registry. Its path, where
// it has one, takes the place of the folder that they were saved for.
func (l *Lock) ArtifactsFor(to ref.Folder) []versions.Artifact {
	var all []versions.Artifact
	for _, locked := range l.Artifacts {
		a := locked.Artifact
		a.Target.Host = to.Host
		a.Target.Repository = Rebase(a.Target.Repository, locked.Base, to.Path)
		all = append(all, a)
	}
	return all
}

// Rebase is the repository below path instead of below base, the folder at its head; an
// empty path leaves it where it is.
func Rebase(repository, base, path string) string {
	if path == "" {
		return repository
	}
	if base != "" {
		repository = strings.TrimPrefix(repository, base+"/")
	}
	return path + "/" + repository
}
