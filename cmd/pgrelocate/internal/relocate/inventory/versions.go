package inventory

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Matrix is what there is to relocate, and what is known of it.
type Matrix struct {
	Product *versions.Product
	// Artifacts are those that are selected. Mirrored are the private registry's answers to
	// them, and Bundled tells which of them a bundle has, both in the same order; nil where
	// that was not asked.
	Artifacts []versions.Artifact
	Mirrored  []holdings.Answer
	Bundled   []bool
	// Failures is an *exit.VerificationError where not all is as it should be, and an *exit.PartialError where
	// that is not known.
	Failures error
}

// WrongError counts the artifacts that the private registry does not hold as it should.
type WrongError struct {
	Wrong, Total int
	// Unseen are those that could not be looked at, beside the wrong ones.
	Unseen int
	// Registry is where everything should be; zero where only what is there was looked at.
	Registry ref.Folder
	// Versions and Editions say that there are some to choose from.
	Versions, Editions bool
}

// Error counts them.
func (e *WrongError) Error() string {
	text := fmt.Sprintf("%d of %s %s damaged", e.Wrong, output.Count(e.Total, "artifact"), output.Are(e.Wrong))
	if !e.Registry.IsZero() {
		text = fmt.Sprintf("%d of %s %s not as %s should be in %s", e.Wrong, output.Count(e.Total, "artifact"), output.Are(e.Wrong), english.PluralWord(e.Wrong, "it", "they"), e.Registry)
	}
	if e.Unseen > 0 {
		text += fmt.Sprintf(", and %d could not be looked at", e.Unseen)
	}
	return text
}

// Versions lists what is selected. Where the settings name a private registry, that is asked
// what it holds of it, and with a check for everything below what is there; where a bundle is
// given, that is looked into.
func Versions(ctx context.Context, s *relocate.Session, file relocate.BundleFile) (*Matrix, error) {
	l := &listing{Session: s, file: file}
	err := relocate.Run(ctx,
		l.choose,       // what of the catalogue
		l.askRegistry,  // what of it is mirrored
		l.lookInBundle, // what of it is in the bundle
		l.describe,     // which product that is
	)
	return &l.matrix, exit.Unanswered(err)
}

// listing is a matrix that is being made.
type listing struct {
	*relocate.Session
	file   relocate.BundleFile
	matrix Matrix
}

func (l *listing) choose(context.Context) (err error) {
	l.matrix.Artifacts, err = l.Artifacts(l.Config.Registry)
	return err
}

func (l *listing) askRegistry(ctx context.Context) error {
	if l.Config.Registry.IsZero() {
		return nil
	}
	private, err := l.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	questions := make([]holdings.Question, len(l.matrix.Artifacts))
	for i, artifact := range l.matrix.Artifacts {
		questions[i].Ref = artifact.Target
	}
	ask := func() ([]holdings.Answer, error) { return holdings.Ask(ctx, private, questions) }
	if l.Config.Check {
		ask = func() ([]holdings.Answer, error) { return l.Inspector(private).Ask(ctx, questions) }
	}
	if l.matrix.Mirrored, err = ask(); err != nil {
		return err
	}
	l.matrix.Failures = l.damages()
	return nil
}

// damages are the error of what is damaged; where nothing is, of what the registry did not tell.
func (l *listing) damages() error {
	damaged, total := 0, len(l.matrix.Mirrored)
	var hidden []error
	for _, answer := range l.matrix.Mirrored {
		switch answer.Presence {
		case holdings.Unknown:
			hidden = append(hidden, answer.Err)
		case holdings.Damaged:
			damaged++
		}
	}
	switch {
	case damaged > 0:
		return &exit.VerificationError{Err: &WrongError{Wrong: damaged, Unseen: len(hidden), Total: total}}
	case len(hidden) > 0:
		return &exit.PartialError{Thing: "lookups", Total: total, Errors: hidden}
	}
	return nil
}

func (l *listing) lookInBundle(ctx context.Context) error {
	if !l.file.Given() {
		return nil
	}
	b, err := l.OpenBundle(ctx, l.file)
	if err != nil {
		return err
	}
	defer b.Close()
	artifacts, err := l.Artifacts(ref.Folder{}) // named as a bundle names them
	if err != nil {
		return err
	}
	if err := l.isOfProduct(b.Lock()); err != nil {
		return err
	}
	inside := map[string]bool{}
	for _, locked := range b.Lock().Artifacts {
		inside[locked.Target.Repository+":"+locked.Target.Tag] = true
	}
	l.matrix.Bundled = make([]bool, len(artifacts))
	for i, artifact := range artifacts {
		l.matrix.Bundled[i] = inside[artifact.Target.Repository+":"+artifact.Target.Tag]
	}
	return nil
}

// isOfProduct refuses a bundle that has nothing of the product that was chosen: that it lacks all
// would be true, and not what anybody asked.
func (l *listing) isOfProduct(locked *lock.Lock) error {
	var holds []string
	for _, a := range locked.Artifacts {
		if a.Product == "" || a.Product == l.Config.Product {
			return nil // foreign archives name no product
		}
		holds = append(holds, a.Product)
	}
	if slices.Sort(holds); len(holds) == 0 {
		return nil
	}
	holds = slices.Compact(holds)
	return &exit.UsageError{Err: &OtherProductError{Wanted: l.Config.Product, Holds: holds}}
}

// OtherProductError says that a bundle is of other products than the one that was chosen.
type OtherProductError struct {
	Wanted string
	Holds  []string
}

// Error names both.
func (e *OtherProductError) Error() string {
	return fmt.Sprintf("the bundle holds %s, and nothing of %s", strings.Join(e.Holds, " and "), e.Wanted)
}

func (l *listing) describe(context.Context) (err error) {
	l.matrix.Product, err = l.Product()
	return err
}
