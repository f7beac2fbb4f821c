package rendering

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/traits"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// ChartChoice is which chart with which values.
type ChartChoice struct {
	// File is a chart's archive; empty takes the chart from the private registry.
	File string
	// User are values that are laid over the rewritten ones.
	User chart.UserValues
	// Accept are the places in the manifests that may name what is not in the private registry.
	Accept []naming.Accept
	// Found is the chart itself where it was found already, in a bundle; else nil.
	Found *chart.Chart
}

// Subject is the one release that the settings name, with everything that belongs to it.
func Subject(s *relocate.Session, place reaching.Destination, choice ChartChoice) (preparation.Subject, error) {
	var subject preparation.Subject
	if len(s.Config.Releases) > 1 {
		return subject, exit.Usagef("one release at a time, not %s", strings.Join(s.Config.Releases, " and "))
	}
	product, err := s.Product()
	if err != nil {
		return subject, err
	}
	if choice.File != "" {
		if choice.Found, err = chart.ReadFile(choice.File); err != nil {
			return subject, &exit.UsageError{Err: &ChartFileError{choice.File, err}}
		}
	}
	return SubjectOf(s, product, releaseOf(s, product, choice.Found), place, choice)
}

// ChartFileError is a file that was named as the chart, and cannot be read as one.
type ChartFileError struct {
	File string
	Err  error
}

// Error says why.
func (e *ChartFileError) Error() string {
	if e.Missing() {
		return fmt.Sprintf("there is no chart file %s", e.File)
	}
	return e.Err.Error()
}

// Unwrap returns the reason.
func (e *ChartFileError) Unwrap() error { return e.Err }

// Missing tells that no file has that name.
func (e *ChartFileError) Missing() bool { return errors.Is(e.Err, fs.ErrNotExist) }

// SubjectOf is a release of a product, with everything that belongs to it.
func SubjectOf(s *relocate.Session, product *versions.Product, release string, place reaching.Destination, choice ChartChoice) (preparation.Subject, error) {
	subject := preparation.Subject{User: choice.User, Chart: choice.Found}
	place = place.Of(product)
	subject.Accept = append(slices.Clone(choice.Accept), acceptedBy(product)...)
	subject.Product, subject.PullSecret = product, place.PullSecret
	catalogue, err := s.Catalogue()
	if err != nil {
		return subject, err
	}
	subject.Offers, subject.Prerequisites = offers(catalogue), traits.Prerequisites(catalogue)
	subject.Namespace, subject.HelmRelease = place.Namespace, place.HelmRelease
	if subject.Release, err = product.Release(release); err != nil {
		return subject, relocate.Unknown(err)
	}
	if subject.Artifacts, err = artifactsOf(s, product, subject.Release.Name); err != nil {
		return subject, err
	}
	subject.Target = relocate.TargetOf(s.Config.Registry, product)
	return subject, nil
}

// acceptedBy are the places that a product's own data accepts.
func acceptedBy(product *versions.Product) []naming.Accept {
	var all []naming.Accept
	for _, a := range product.Accept {
		all = append(all, naming.Accept{Kind: a.Kind, Namespace: a.Namespace, Name: a.Name, Path: a.Path, Reason: a.Why})
	}
	return all
}

// offers are the kinds that users pick images from, of all products: charts bring those of others.
func offers(catalogue *versions.Catalogue) []versions.Kind {
	var all []versions.Kind
	for _, product := range catalogue.Products() {
		all = append(all, product.Cluster.Offers...)
	}
	return all
}

// releaseOf is the release that was asked for, else the one that the chart belongs to; empty
// is the newest.
func releaseOf(s *relocate.Session, product *versions.Product, given *chart.Chart) string {
	if len(s.Config.Releases) == 1 {
		return s.Config.Releases[0]
	}
	if given != nil {
		if _, err := product.Release(given.Version()); err == nil {
			return given.Version()
		}
	}
	return ""
}

// artifactsOf are all of a release, at the vendor's and in the private registry.
func artifactsOf(s *relocate.Session, product *versions.Product, release string) ([]versions.Artifact, error) {
	catalogue, err := s.Catalogue()
	if err != nil {
		return nil, err
	}
	all, err := versions.Select(catalogue, versions.Selection{
		Product: product.Name, Releases: []string{release}, Whole: true, Target: s.Config.Registry,
	})
	return all, relocate.Unknown(err)
}
