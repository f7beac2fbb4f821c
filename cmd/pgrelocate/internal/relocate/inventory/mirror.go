package inventory

import (
	"context"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// VerifyMirror holds the private registry against the selection, or against a bundle where one
// is given: every tag is there, with the bundle's digest, and everything below it.
func VerifyMirror(ctx context.Context, s *relocate.Session, file relocate.BundleFile) (*Matrix, error) {
	m := &mirrorCheck{listing: listing{Session: s, file: file}}
	err := relocate.Run(ctx,
		m.look,     // at the registry, for a release that the catalogue lacks
		m.describe, // which product that is
		m.want,     // what the registry should hold
		m.inspect,  // what it holds, down to the blobs
	)
	return &m.matrix, exit.Unanswered(err)
}

// mirrorCheck is a VerifyMirror that is under way.
type mirrorCheck struct {
	listing
	questions []holdings.Question
	// left is what indexes of the bundle leave behind.
	left map[v1.Hash]bool
	// attached are the references of what the bundle has attached to its artifacts.
	attached map[ref.Reference][]string
}

func (m *mirrorCheck) look(ctx context.Context) error {
	if m.file.Given() {
		return nil // that says what should be there
	}
	return discovery.LearnMirrored(ctx, m.listing.Session)
}

func (m *mirrorCheck) want(ctx context.Context) error {
	wanted := map[ref.Reference]string{} // digests
	if !m.file.Given() {
		if err := relocate.Run(ctx, m.choose, m.takeChartImages); err != nil {
			return err
		}
	} else {
		b, err := m.OpenBundle(ctx, m.file)
		if err != nil {
			return err
		}
		defer b.Close()
		m.left, m.attached = b.Left(), b.Lock().Attached(m.Config.Registry)
		m.matrix.Artifacts = b.Lock().ArtifactsFor(m.Config.Registry)
		for i, locked := range b.Lock().Artifacts {
			wanted[m.matrix.Artifacts[i].Target] = locked.Digest.String()
		}
		slices.SortStableFunc(m.matrix.Artifacts, relocate.Order)
	}
	m.questions = make([]holdings.Question, len(m.matrix.Artifacts))
	for i, artifact := range m.matrix.Artifacts {
		m.questions[i].Ref, m.questions[i].Want = artifact.Target, wanted[artifact.Target]
	}
	return nil
}

// takeChartImages wants what the charts run that are there; a chart that is not is missed anyway.
func (m *mirrorCheck) takeChartImages(ctx context.Context) error {
	private, err := m.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	m.matrix.Artifacts, err = m.WithChartImages(ctx, m.matrix.Artifacts, m.Config.Registry, relocate.AtTarget(private))
	return err
}

// wrong is the error of so many artifacts, and so many that could not be looked at, with what a selection could leave out.
func (m *mirrorCheck) wrong(count, unseen int) *WrongError {
	err := &WrongError{Wrong: count, Unseen: unseen, Total: len(m.questions), Registry: m.Config.Registry}
	for _, a := range m.matrix.Artifacts {
		err.Versions = err.Versions || len(a.Versions) > 0 && !m.file.Given()
		err.Editions = err.Editions || a.Edition != "" && !m.file.Given()
	}
	return err
}

func (m *mirrorCheck) inspect(ctx context.Context) error {
	private, err := m.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	private.Prepare(relocate.Repositories(m.matrix.Artifacts))
	inspector := m.Inspector(private)
	inspector.Left, inspector.Named = m.left, m.attached
	if m.matrix.Mirrored, err = inspector.Ask(ctx, m.questions); err != nil {
		return err
	}
	m.matrix.Failures = m.judge()
	return nil
}

// judge is the error of what is not as it should be. Where all of that is only what the registry does not
// tell, or not who logs in so, nothing is known to be wrong.
func (m *mirrorCheck) judge() error {
	wrong := 0
	var hidden []error
	for _, answer := range m.matrix.Mirrored {
		switch answer.Presence {
		case holdings.Present:
		case holdings.Unknown:
			hidden = append(hidden, answer.Err)
		default:
			wrong++
		}
	}
	switch {
	case wrong > 0:
		return &exit.VerificationError{Err: m.wrong(wrong, len(hidden))}
	case len(hidden) > 0:
		return &exit.PartialError{Thing: "lookups", Total: len(m.questions), Errors: hidden}
	}
	return nil
}
