package clusters

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/installing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// Install is the result of `pgrelocate install`.
type Install struct {
	output.Header
	view.OfRun
	Release     string `json:"release"`
	HelmRelease string `json:"helmRelease"`
	Namespace   string `json:"namespace"`
	// Revision is the helm release's; 0 in a dry run.
	Revision   int    `json:"revision"`
	Kubernetes string `json:"kubernetes"`
	Chart      string `json:"chart"`
	// ChartDigest is empty for a chart from a file.
	ChartDigest string `json:"chartDigest,omitempty"`
	// NamespacesCreated are the namespaces that were not there.
	NamespacesCreated []string        `json:"namespacesCreated"`
	Secrets           []secretRowView `json:"secrets"`
	// Unmirrored are the versions that can be picked although their image is not in the
	// private registry.
	Unmirrored []string `json:"unmirrored"`
	// LeftOut are the versions that were left out, for their image is not in the private registry.
	LeftOut []string `json:"leftOut"`
	// Beside are the charts that were installed after the operator's; absent where there are none.
	Beside []installedChart `json:"beside,omitempty"`
	// Check is what was verified at the end; absent in a dry run.
	Check *Check `json:"check,omitempty"`
	// Actions and Manifest are there in a dry run only: what would be done, and what helm
	// would apply, as YAML.
	Actions  []string `json:"actions,omitempty"`
	Manifest string   `json:"manifest,omitempty"`
}

// installedChart is a chart beside the operator's.
type installedChart struct {
	// Name is its name in the catalogue.
	Name        string `json:"name"`
	HelmRelease string `json:"helmRelease"`
	// Revision is the helm release's; 0 in a dry run.
	Revision    int    `json:"revision"`
	Chart       string `json:"chart"`
	ChartDigest string `json:"chartDigest,omitempty"`
}

// NewInstall shows what was installed or, in a dry run, what would be.
func NewInstall(outcome *installing.Installed) Install {
	p := outcome.Prepared
	made := Install{
		Header:  output.NewHeader("Install"),
		Release: p.Release.Name, HelmRelease: p.HelmRelease, Namespace: p.Namespace,
		Revision: outcome.Revision, Kubernetes: outcome.KubeVersion,
		Chart: p.Chart.Name() + " " + p.Chart.Version(), ChartDigest: p.ChartDigest,
		NamespacesCreated: append([]string{}, outcome.Created...),
		Unmirrored:        append([]string{}, p.Unmirrored...),
		LeftOut:           append([]string{}, p.LeftOut...),
		Secrets:           secretRows(outcome.Secrets),
		Actions:           outcome.Actions,
	}
	if outcome.Run.DryRun {
		made.Manifest = p.Rendering.Manifest()
	}
	for _, beside := range outcome.Beside {
		made.add(beside, outcome.Run.DryRun)
	}
	if check := outcome.WholeCheck(); check != nil {
		shown := newCheck(check)
		made.Check = &shown
	}
	return made
}

// add adds what became of another chart.
func (v *Install) add(beside *install.Outcome, dryRun bool) {
	p := beside.Prepared
	v.Beside = append(v.Beside, installedChart{
		Name: p.Part, HelmRelease: p.HelmRelease, Revision: beside.Revision,
		Chart: p.Chart.Name() + " " + p.Chart.Version(), ChartDigest: p.ChartDigest,
	})
	v.Actions = append(v.Actions, beside.Actions...)
	if dryRun {
		v.Manifest += p.Rendering.Manifest()
	}
}

// WriteTable writes the versions that can be picked now. A dry run writes YAML that
// kubectl could read, with what would be done as its comments.
func (v Install) WriteTable(w io.Writer) error {
	if v.Check == nil {
		for _, action := range v.Actions {
			if _, err := fmt.Fprintf(w, "# would %s\n", strings.ReplaceAll(action, "\n", " ")); err != nil {
				return err
			}
		}
		_, err := io.WriteString(w, v.Manifest)
		return err
	}
	return v.Check.WriteTable(w)
}

// IsDocument implements output.Document.
func (v Install) IsDocument() bool { return v.Check == nil }

// Of implements view.Run.
func (v Install) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}
