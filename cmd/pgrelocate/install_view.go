package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/install"
)

// installView is the result of `pgrelocate install`.
type installView struct {
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
	// Unmirrored are the versions whose image is not in the private registry.
	Unmirrored []string `json:"unmirrored"`
	// Check is what was verified at the end; absent in a dry run.
	Check *checkView `json:"check,omitempty"`
	// Actions and Manifest are there in a dry run only: what would be done, and what helm
	// would apply, as YAML.
	Actions  []string `json:"actions,omitempty"`
	Manifest string   `json:"manifest,omitempty"`
}

func newInstallView(outcome *install.Outcome, dryRun bool) installView {
	p := outcome.Prepared
	view := installView{
		Header:  output.NewHeader("Install"),
		Release: p.Release.Name, HelmRelease: p.HelmRelease, Namespace: p.Namespace,
		Revision: outcome.Revision, Kubernetes: outcome.KubeVersion,
		Chart: p.Chart.Name() + " " + p.Chart.Version(), ChartDigest: p.ChartDigest,
		NamespacesCreated: append([]string{}, outcome.Created...),
		Unmirrored:        append([]string{}, p.Unmirrored...),
		Secrets:           secretRows(outcome.Secrets),
		Actions:           outcome.Actions,
	}
	if dryRun {
		view.Manifest = p.Rendering.Manifest()
	}
	if outcome.Check != nil {
		check := newCheckView(outcome.Check)
		view.Check = &check
	}
	return view
}

// WriteTable writes the versions that can be picked now. A dry run writes YAML that
// kubectl could read, with what would be done as its comments.
func (v installView) WriteTable(w io.Writer) error {
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
