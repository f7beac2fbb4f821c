package lock

import (
	"cmp"
	"context"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

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

// Attached are the references, in its own repository, of what the lock has attached to each artifact, by
// the artifact's target in a registry.
func (l *Lock) Attached(to ref.Folder) map[ref.Reference][]string {
	byDigest := make(map[v1.Hash][]*Attachment)
	for i := range l.Attachments {
		a := &l.Attachments[i]
		byDigest[a.Digest] = append(byDigest[a.Digest], a)
	}
	found := make(map[ref.Reference][]string)
	for i, a := range l.ArtifactsFor(to) {
		for _, digest := range l.Artifacts[i].Attachments {
			for _, attached := range byDigest[digest] {
				if attached.Target.Repository == l.Artifacts[i].Target.Repository {
					found[a.Target] = append(found[a.Target], cmp.Or(attached.Target.Tag, attached.Target.Digest))
				}
			}
		}
	}
	return found
}

// Targets are where everything goes in a registry, artifacts first, by their references.
func (l *Lock) Targets(to ref.Folder) []ref.Reference {
	var all []ref.Reference
	add := func(target ref.Reference, base string) {
		target.Host, target.Repository = to.Host, Rebase(target.Repository, base, to.Path)
		all = append(all, target)
	}
	for _, a := range l.Artifacts {
		add(a.Target, a.Base)
	}
	for _, a := range l.Attachments {
		add(a.Target, a.Base)
	}
	return all
}

// Outside are the repositories of the targets that lie in none of the folders, each once. Who
// wrote a lock chose its targets: only what lies in a product's folder is known to be meant
// for it.
func (l *Lock) Outside(folders []string) []string {
	var all []string
	add := func(repository, base string) {
		if base == "" || !slices.Contains(folders, base) {
			all = append(all, repository)
		}
	}
	for _, a := range l.Artifacts {
		add(a.Target.Repository, a.Base)
	}
	for _, a := range l.Attachments {
		add(a.Target.Repository, a.Base)
	}
	slices.Sort(all)
	return slices.Compact(all)
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
