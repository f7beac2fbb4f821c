package view

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
)

// Install is the result of `pgrelocate install`.
type Install struct {
	output.Header
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
	// Check is what was verified at the end; absent in a dry run.
	Check *Check `json:"check,omitempty"`
	// Actions and Manifest are there in a dry run only: what would be done, and what helm
	// would apply, as YAML.
	Actions  []string `json:"actions,omitempty"`
	Manifest string   `json:"manifest,omitempty"`
}

// NewInstall shows what was installed or, in a dry run, what would be.
func NewInstall(outcome *relocate.Installed) Install {
	p := outcome.Prepared
	view := Install{
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
		view.Manifest = p.Rendering.Manifest()
	}
	if outcome.Check != nil {
		check := newCheck(outcome.Check)
		view.Check = &check
	}
	return view
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
