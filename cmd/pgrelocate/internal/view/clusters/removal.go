package clusters

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
)

// Removal is the result of `pgrelocate uninstall`.
type Removal struct {
	output.Header
	HelmRelease string `json:"helmRelease"`
	Namespace   string `json:"namespace"`
	// Removed says that the helm release was removed.
	Removed bool `json:"removed"`
	// Secrets were removed, as NAMESPACE/NAME; databases or other releases need KeptSecrets, or may need them.
	Secrets     []string `json:"secrets"`
	KeptSecrets []string `json:"keptSecrets"`
	// KeptDefinitions are CRDs and Instances databases, as NAMESPACE/NAME; both stay.
	KeptDefinitions []string `json:"keptDefinitions"`
	Instances       []string `json:"instances"`
	// Unseen says what could not be looked at, so that there may be other databases, which stay too; absent
	// where everything was.
	Unseen []string `json:"unseen,omitempty"`
	// KeptObjects stay, for their volumes would go with them; absent where there are none.
	KeptObjects []string `json:"keptObjects,omitempty"`
	// TheirObjects stay, for they belong to other helm releases by now; absent where there are none.
	TheirObjects []string `json:"theirObjects,omitempty"`
	// SkippedHooks are the charts' hooks for uninstalling that were not run, for databases exist or
	// may exist; absent where there were none.
	SkippedHooks []string `json:"skippedHooks,omitempty"`
	// Beside are the helm releases of the product's other charts, which went before; absent where
	// there were none.
	Beside []string `json:"beside,omitempty"`
}

// NewRemoval shows what an uninstallation removed and what it kept.
func NewRemoval(r *installing.Removed) Removal {
	made := Removal{
		Header:      output.NewHeader("Uninstall"),
		HelmRelease: r.HelmRelease, Namespace: r.Namespace, Removed: r.Removed,
		Secrets:         append([]string{}, r.Secrets...),
		KeptSecrets:     append([]string{}, r.KeptSecrets...),
		KeptDefinitions: append([]string{}, r.KeptDefinitions...),
		Instances:       []string{},
		KeptObjects:     slices.Clone(r.KeptObjects),
		TheirObjects:    slices.Clone(r.TheirObjects),
		SkippedHooks:    slices.Clone(r.SkippedHooks),
	}
	made.couldNotSee(r.Unseen)
	for _, instance := range r.Instances {
		made.Instances = append(made.Instances, instance.String())
	}
	for _, other := range r.Others {
		made.Beside = append(made.Beside, other.HelmRelease)
		made.KeptDefinitions = append(made.KeptDefinitions, other.KeptDefinitions...)
		made.KeptObjects = append(made.KeptObjects, other.KeptObjects...)
		made.TheirObjects = append(made.TheirObjects, other.TheirObjects...)
		made.SkippedHooks = append(made.SkippedHooks, other.SkippedHooks...)
		made.couldNotSee(other.Unseen)
	}
	slices.Sort(made.KeptDefinitions)
	return made
}

// couldNotSee adds reasons, each once: several charts of a product may have the same.
func (v *Removal) couldNotSee(reasons []error) {
	for _, reason := range reasons {
		if text := reason.Error(); !slices.Contains(v.Unseen, text) {
			v.Unseen = append(v.Unseen, text)
		}
	}
}

// WriteTable writes a line for each kind of thing.
func (v Removal) WriteTable(w io.Writer) error {
	var lines []string
	for _, name := range append(slices.Clone(v.Beside), v.HelmRelease) {
		lines = append(lines, "removed helm release "+v.Namespace+"/"+name)
	}
	for _, each := range []struct {
		what  string
		names []string
	}{
		{"removed secrets", v.Secrets},
		{"kept secrets that others need, or may need", v.KeptSecrets},
		{"kept databases, and other objects of the kinds that the release defines", v.Instances},
		{"kept, for the cluster would delete their volumes with them", v.KeptObjects},
		{"kept, for they belong to other helm releases by now", v.TheirObjects},
		{"not run, for databases exist or may exist, were the chart's hooks for uninstalling", v.SkippedHooks},
	} {
		if len(each.names) > 0 {
			lines = append(lines, each.what+": "+strings.Join(each.names, ", "))
		}
	}
	for _, reason := range v.Unseen {
		lines = append(lines, "kept whatever databases there are, for they could not be seen: "+reason)
	}
	lines = append(lines, "kept the CRDs and the namespace "+v.Namespace)
	_, err := fmt.Fprintln(w, strings.Join(lines, "\n"))
	return err
}
