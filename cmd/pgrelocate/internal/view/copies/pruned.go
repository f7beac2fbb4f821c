package copies

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/prune"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Pruned is the result of `pgrelocate prune`.
type Pruned struct {
	output.Header
	// DryRun says that nothing was deleted, for nobody asked for that.
	DryRun bool `json:"dryRun"`
	// Deleted, Kept and Failed count what became of it.
	Deleted int `json:"deleted"`
	Kept    int `json:"kept"`
	Failed  int `json:"failed"`
	// Items are the artifacts that the selection no longer wants, each with what goes with it.
	Items []prunedView `json:"items"`
}

// prunedView is one manifest.
type prunedView struct {
	Ref    string `json:"ref"`
	Digest string `json:"digest"`
	// Of is the artifact that it is a part of, or attached to.
	Of string `json:"of,omitempty"`
	// TagOnly says that only the tag goes: something else leads to the same content, which stays.
	TagOnly bool `json:"tagOnly,omitempty"`
	// OfferedBy is what in the cluster still offers it, although nobody uses it: who picks that then
	// cannot pull.
	OfferedBy string `json:"offeredBy,omitempty"`
	// Outcome is "to be deleted", "deleted", "gone already", "kept" or "failed".
	Outcome string `json:"outcome"`
	// Reason says why it was kept, or what failed.
	Reason string `json:"reason,omitempty"`
}

// NewPruned shows what was pruned, or would be.
func NewPruned(p *prune.Plan, dryRun bool) Pruned {
	made := Pruned{
		Header: output.NewHeader("Pruned"), DryRun: dryRun, Items: []prunedView{},
		Deleted: p.Count(prune.Deleted), Kept: p.Count(prune.Kept), Failed: p.Count(prune.Failed),
	}
	for _, r := range p.Removals {
		made.Items = append(made.Items, prunedView{r.Ref.String(), r.Digest.String(), r.Of, r.TagOnly, r.OfferedBy, string(r.Outcome), r.Reason})
	}
	return made
}

// Account is what became of each manifest.
func (v Pruned) Account() report.Account {
	const gone = "gone" // results are single words
	account := report.Account{Results: []string{string(prune.Deleted), gone, string(prune.Kept), string(prune.Failed)}}
	for _, i := range v.Items {
		result := i.Outcome
		if result == string(prune.Gone) {
			result = gone
		}
		account.Items = append(account.Items, report.Item{
			Kind: view.ArtifactKind, Name: i.Ref, Digest: i.Digest, Result: result, Reason: i.Reason,
			Bad: i.Outcome == string(prune.Failed), Skipped: i.Outcome == string(prune.Kept),
		})
	}
	return account
}

// WriteTable writes a line for each manifest below the folder that all are in, and below that why.
func (v Pruned) WriteTable(w io.Writer) error {
	if len(v.Items) == 0 {
		return nil
	}
	var text strings.Builder
	var all []string
	for _, i := range v.Items {
		all = append(all, i.Ref)
	}
	folder := ref.Common(all)
	if folder != "" {
		text.WriteString(view.PlainLine(folder) + "\n")
	}
	for _, i := range v.Items {
		what := output.Within(folder, i.Ref)
		if at := strings.LastIndex(what, "@"); at >= 0 {
			what = what[:at+1] + view.ShortDigest(i.Digest)
		}
		switch {
		case i.TagOnly:
			what += ", the tag alone"
		case i.Of != "":
			what += ", of " + output.Within(folder, i.Of)
		}
		fmt.Fprintf(&text, "  %-13s  %s\n", i.Outcome, view.PlainLine(what))
		if i.Reason != "" {
			fmt.Fprintf(&text, "  %-13s  %s\n", "", view.PlainLine(i.Reason))
		}
	}
	_, err := io.WriteString(w, text.String())
	return err
}
