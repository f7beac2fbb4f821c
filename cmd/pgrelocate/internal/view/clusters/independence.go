package clusters

import (
	"io"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/install/independence"
)

// Independence is the result of `pgrelocate verify --independent`.
type Independence struct {
	output.Header
	// OK says that everything was looked at, and nothing names a registry of somebody else.
	OK bool `json:"ok"`
	// Whole says that everything was looked at.
	Whole bool `json:"whole"`
	// Objects is how many were looked at.
	Objects int `json:"objects"`
	// Hosts are the registries that are named.
	Hosts []string `json:"hosts"`
	// Mentions are the strings that name them.
	Mentions []mentionView `json:"mentions"`
	// Unseen are the kinds that could not be looked at, or not to their end.
	Unseen []unseenView `json:"unseen"`
}

// mentionView is a string that names somebody else's registry.
type mentionView struct {
	Host string `json:"host"`
	// Object is KIND NAMESPACE/NAME, Path where in it.
	Object string `json:"object"`
	Path   string `json:"path"`
	// Names is what is named; absent in secrets, of which nothing is shown.
	Names string `json:"names,omitempty"`
	// Owner is whose the object is, as far as it says so.
	Owner string `json:"owner,omitempty"`
}

// unseenView is what could not be looked at.
type unseenView struct {
	What   string `json:"what"`
	Reason string `json:"reason"`
}

// NewIndependence shows what names somebody else's registry.
func NewIndependence(r *independence.Findings) Independence {
	made := Independence{
		Header: output.NewHeader("Independence"), OK: r.Whole() && len(r.Mentions) == 0, Whole: r.Whole(), Objects: r.Objects,
		Hosts: append([]string{}, r.Hosts()...), Mentions: []mentionView{}, Unseen: []unseenView{},
	}
	for _, m := range r.Mentions {
		made.Mentions = append(made.Mentions, mentionView{m.Host, m.Object, m.Path, m.Names, m.Owner})
	}
	for _, u := range r.Unseen {
		made.Unseen = append(made.Unseen, unseenView{u.What, u.Err.Error()})
	}
	return made
}

// WriteTable writes a line for each mention, and for what was not seen.
func (v Independence) WriteTable(w io.Writer) error {
	grid := output.NewGrid("REGISTRY", "OBJECT", "AT", "NAMES", "OWNER")
	for _, m := range v.Mentions {
		grid.Row(m.Host, m.Object, m.Path, m.Names, m.Owner)
	}
	if _, err := grid.WriteTo(w); err != nil || len(v.Unseen) == 0 {
		return err
	}
	if _, err := io.WriteString(w, "\n"); err != nil {
		return err
	}
	unseen := output.NewGrid("NOT LOOKED AT", "REASON")
	for _, u := range v.Unseen {
		unseen.Row(u.What, u.Reason)
	}
	_, err := unseen.WriteTo(w)
	return err
}
