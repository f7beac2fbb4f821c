package clusters

import (
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
)

// Secrets is the result of `pgrelocate secret`.
type Secrets struct {
	output.Header
	Secrets []secretRowView `json:"secrets"`
}

// secretRowView is the pull secret of one namespace.
type secretRowView struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// State is created, updated, unchanged, or "not ours" where it was left alone.
	State string `json:"state"`
}

// NewSecrets shows what became of pull secrets.
func NewSecrets(results []pullsecret.Result) Secrets {
	return Secrets{Header: output.NewHeader("Secrets"), Secrets: secretRows(results)}
}

func secretRows(results []pullsecret.Result) []secretRowView {
	rows := []secretRowView{}
	for _, r := range results {
		rows = append(rows, secretRowView{r.Namespace, r.Name, string(r.Change)})
	}
	return rows
}

// WriteTable writes a line for each.
func (v Secrets) WriteTable(w io.Writer) error {
	grid := output.NewGrid("NAMESPACE", "SECRET", "STATE")
	for _, row := range v.Secrets {
		grid.Row(row.Namespace, row.Name, row.State)
	}
	_, err := grid.WriteTo(w)
	return err
}
