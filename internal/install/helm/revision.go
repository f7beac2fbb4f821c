package helm

import (
	"fmt"
	"slices"
	"time"

	helmrelease "helm.sh/helm/v3/pkg/release"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
)

// Status is the state that a revision is recorded in, in helm's words.
type Status string

// The states that callers ask for; there are more.
const (
	Deployed     Status = "deployed"
	Failed       Status = "failed"
	Uninstalling Status = "uninstalling"
	Uninstalled  Status = "uninstalled"
)

// Revision is one revision of a release, as it is recorded.
type Revision struct {
	Name, Namespace string
	// Number counts from 1.
	Number int
	Status Status
	// Since is when it came into its state.
	Since time.Time
	// Chart is the chart's name and version.
	Chart string
	// Accepted are the places that may name what is not in the private registry, as whoever
	// installed the revision said; see Request.Accepted.
	Accepted []naming.Accept

	// manifest and hooks are what was recorded, crds what the chart has in its crds/ folder.
	manifest    string
	hooks, crds []string
	// deletion are the hooks that run when the release is uninstalled, "Job wipe".
	deletion []string
	busy     bool
}

// revision reads helm's record; nil stays nil.
func revision(r *helmrelease.Release) *Revision {
	if r == nil {
		return nil
	}
	read := &Revision{
		Name: r.Name, Namespace: r.Namespace, Number: r.Version, Status: Status(r.Info.Status), Since: r.Info.LastDeployed.Time,
		manifest: r.Manifest, busy: r.Info.Status.IsPending() || r.Info.Status == helmrelease.StatusUninstalling,
	}
	if r.Info.Status == helmrelease.StatusUninstalling {
		read.Since = r.Info.Deleted.Time
	}
	for _, hook := range r.Hooks {
		read.hooks = append(read.hooks, hook.Manifest)
		if slices.Contains(hook.Events, helmrelease.HookPreDelete) || slices.Contains(hook.Events, helmrelease.HookPostDelete) {
			read.deletion = append(read.deletion, hook.Kind+" "+hook.Name)
		}
	}
	if r.Chart != nil && r.Chart.Metadata != nil {
		read.Chart, read.Accepted = r.Chart.Name()+" "+r.Chart.Metadata.Version, acceptedIn(r)
		for _, crd := range r.Chart.CRDObjects() {
			read.crds = append(read.crds, string(crd.File.Data))
		}
	}
	return read
}

// Gone tells whether there is no release: none is recorded, or it was uninstalled and its
// record kept.
func (r *Revision) Gone() bool { return r == nil || r.Status == Uninstalled }

// Busy is a *BusyError where an operation on the release is under way; no release is not busy.
func (r *Revision) Busy() error {
	if r == nil || !r.busy {
		return nil
	}
	return &BusyError{Revision: *r}
}

// Rendering is what the revision consists of, as it was recorded: the objects of the crds/ folder
// first, hooks last. No revision consists of nothing.
func (r *Revision) Rendering() (*chart.Rendering, error) {
	all := &chart.Rendering{}
	if r == nil {
		return all, nil
	}
	add := func(text string, like chart.Object) error {
		read, err := chart.ParseManifest(text)
		if err != nil {
			return fmt.Errorf("helm release %s, revision %d: %w", r.Name, r.Number, err)
		}
		for _, object := range read.Objects {
			object.FromCRDs, object.Hook = like.FromCRDs, like.Hook
			all.Objects = append(all.Objects, object)
		}
		return nil
	}
	for _, crds := range r.crds {
		if err := add(crds, chart.Object{FromCRDs: true}); err != nil {
			return nil, err
		}
	}
	if err := add(r.manifest, chart.Object{}); err != nil {
		return nil, err
	}
	for _, hook := range r.hooks {
		if err := add(hook, chart.Object{Hook: true}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Situation is how it stands with a release, for the end of an error.
type Situation struct {
	Name string
	// Newest is the newest revision; nil where there is none.
	Newest *Revision
	// Worked is the number of the revision that is deployed; 0 where none is.
	Worked int
	// Err is why the state is not known.
	Err error
}

// String is the state in words; errors are said too, for it stands in another error.
func (s Situation) String() string {
	switch {
	case s.Err != nil:
		return fmt.Sprintf("the state of helm release %s is not known: %v", s.Name, s.Err)
	case s.Newest == nil:
		return "there is no helm release " + s.Name + " now"
	}
	text := fmt.Sprintf("helm release %s is now at revision %d in state %s", s.Name, s.Newest.Number, s.Newest.Status)
	if s.Worked > 0 && s.Worked != s.Newest.Number {
		text += fmt.Sprintf("; revision %d was the last that worked", s.Worked)
	}
	return text
}
