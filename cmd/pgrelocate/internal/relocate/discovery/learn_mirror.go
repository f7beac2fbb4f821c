package discovery

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions/learning"
)

// LearnMirrored looks into the private registry for those of the settings' releases that the
// catalogue lacks, and goes on as if they stood in it: it is the copy that counts, and whoever
// installs may not reach the source. What was not copied is as unknown as before.
func LearnMirrored(ctx context.Context, s *relocate.Session) error {
	return learnMissing(ctx, s, s.Config.Releases, learnOneMirrored)
}

// learnOneMirrored adds a release to the session's catalogue; missing is the error where there is
// none.
func learnOneMirrored(ctx context.Context, s *relocate.Session, name string, missing error) error {
	l, err := NewLooker(s)
	if err != nil {
		return err
	}
	l.mirror = true
	s.Note("%s is not in the catalogue: looking for it in %s", name, l.from())
	if l.Tags, err = l.listPrivate(ctx); err != nil {
		return fmt.Errorf("looking for %s: %w", name, err)
	}
	return l.learn(ctx, name, missing, func(evidence learning.Evidence, learned *learning.Learned) { tellFound(s, evidence, learned) })
}

// listPrivate lists the tags that tell of releases or versions in the private registry.
func (l *Looker) listPrivate(ctx context.Context) (map[string][]string, error) {
	client, err := l.Clients.Target(ctx, false)
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	target := relocate.TargetOf(l.Config.Registry, l.Product)
	for _, telling := range learning.TellingOf(l.Product) {
		tags, err := client.Tags(ctx, target.Reference(telling.Place(), "").Repository)
		if err != nil && !errors.Is(err, registry.ErrNotFound) {
			return nil, err
		}
		all[telling.Key()] = tags
	}
	return all, nil
}

// mirroredTags are the tags that say something of what a release has. A mirror need not be whole:
// that it lacks an image says nothing of the release.
func (l *Looker) mirroredTags() map[string][]string {
	tags := map[string][]string{}
	for _, telling := range learning.TellingOf(l.Product) {
		if telling.TellsVersions() {
			tags[telling.Key()] = l.Tags[telling.Key()]
		}
	}
	return tags
}
