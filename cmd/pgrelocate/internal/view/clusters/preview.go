package clusters

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/previewing"
)

// Preview is the result of `pgrelocate upgrade-preview`.
type Preview struct {
	output.Header
	Product string `json:"product"`
	From    string `json:"from"`
	To      string `json:"to"`
	// Offers are what users can pick that one release has alone, or with another version.
	Offers []offerView `json:"offers"`
	// ClusterAsked says that a cluster was asked who uses what vanishes.
	ClusterAsked bool `json:"clusterAsked"`
	// CRDs are the definitions that change.
	CRDs []definitionView `json:"crds"`
	// ImagesAdded and ImagesRemoved are as the vendor names them.
	ImagesAdded   []string `json:"imagesAdded"`
	ImagesRemoved []string `json:"imagesRemoved"`
	// BytesToMove is what a copy of the new release would move; absent without --registry.
	BytesToMove *int64 `json:"bytesToMove,omitempty"`
}

type offerView struct {
	Name string `json:"name"`
	// Change is added, removed or changed.
	Change  string `json:"change"`
	Version string `json:"version,omitempty"`
	// Before is the version that it had.
	Before string `json:"before,omitempty"`
	// UsedBy are the databases, NAMESPACE/NAME, that use one that vanishes.
	UsedBy []string `json:"usedBy,omitempty"`
}

type definitionView struct {
	Name string `json:"name"`
	// Change is added, removed or changed.
	Change string `json:"change"`
	// Versions and Fields say what is different of one that is in both releases.
	Versions []string `json:"versions,omitempty"`
	Fields   []string `json:"fields,omitempty"`
}

// NewPreview shows what an upgrade would change.
func NewPreview(p *previewing.Preview) Preview {
	made := Preview{
		Header: output.NewHeader("Preview"), Product: p.Product.Name, From: p.From, To: p.To, ClusterAsked: p.Asked,
		Offers: []offerView{}, CRDs: []definitionView{},
		ImagesAdded: append([]string{}, p.Added...), ImagesRemoved: append([]string{}, p.Removed...),
	}
	for _, o := range p.Offers {
		row := offerView{Name: o.Name, Change: string(o.Change), Version: o.Version, Before: o.Before}
		for _, user := range o.UsedBy {
			row.UsedBy = append(row.UsedBy, user.String())
		}
		made.Offers = append(made.Offers, row)
	}
	for _, d := range p.Definitions {
		made.CRDs = append(made.CRDs, definitionView{d.Name, string(d.Change), d.Versions, d.Fields})
	}
	if p.Plan != nil {
		made.BytesToMove = &p.Plan.BytesToMove
	}
	return made
}

// WriteTable writes a line for each thing that changes.
func (v Preview) WriteTable(w io.Writer) error {
	if len(v.Offers)+len(v.CRDs)+len(v.ImagesAdded)+len(v.ImagesRemoved) == 0 {
		if _, err := fmt.Fprintf(w, "nothing changes from %s to %s\n", v.From, v.To); err != nil {
			return err
		}
		return v.writeBytes(w)
	}
	grid := output.NewGrid("CHANGE", "WHAT", "NAME", "DETAIL")
	for _, o := range v.Offers {
		detail := o.Version
		if o.Before != "" {
			detail += ", was " + o.Before
		}
		if len(o.UsedBy) > 0 {
			detail += "; USED BY " + strings.Join(o.UsedBy, ", ")
		}
		grid.Row(o.Change, "version", o.Name, detail)
	}
	for _, d := range v.CRDs {
		if d.Change != "changed" {
			grid.Row(d.Change, "CRD", d.Name, "")
		}
		for _, detail := range append(append([]string{}, d.Versions...), d.Fields...) {
			grid.Row(d.Change, "CRD", d.Name, detail)
		}
	}
	for _, image := range v.ImagesAdded {
		grid.Row("added", "image", image, "")
	}
	for _, image := range v.ImagesRemoved {
		grid.Row("removed", "image", image, "")
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	return v.writeBytes(w)
}

// writeBytes says how much a copy would move, where somebody has asked.
func (v Preview) writeBytes(w io.Writer) error {
	if v.BytesToMove == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nto move: %s\n", output.Bytes(*v.BytesToMove))
	return err
}
