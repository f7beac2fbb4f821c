package install

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/difference"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/releasename"
)

// OlderError says that something newer is there than what was to be installed.
type OlderError struct {
	Owner cluster.Owner
	// Wanted is the chart that was to be installed, with its version; Installed the newer one that the
	// helm release is of, zero where nothing tells which is newer.
	Wanted    string
	Installed helm.Revision
	// Losses are of the CRDs in the cluster; Objects counts the objects of their kinds, as far as
	// they could be listed.
	Losses  []definitions.Loss
	Objects int
	// Forgotten counts the revisions that helm has no record of any more, where one of them may have brought
	// what goes, so that an upgrade would take it away.
	Forgotten int
	// Unseen is why not all of them could be listed.
	Unseen error
}

// Stored tells whether objects may be stored in a version that would go.
func (e *OlderError) Stored() bool {
	return slices.ContainsFunc(e.Losses, func(l definitions.Loss) bool { return len(l.Stored) > 0 })
}

// Error names both charts, and what would go.
func (e *OlderError) Error() string {
	lines := []string{fmt.Sprintf("the CRDs of chart %s lack what those in the cluster have", e.Wanted)}
	if e.Installed.Chart != "" {
		lines[0] = fmt.Sprintf("chart %s is older than %s, of which helm release %s is at revision %d (%s)",
			e.Wanted, e.Installed.Chart, e.Owner, e.Installed.Number, e.Installed.Status)
	}
	for _, loss := range e.Losses {
		lines = append(lines, fmt.Sprintf("CRD %s: %s", loss.Name, some(loss.Losses)))
		if len(loss.Stored) > 0 {
			lines = append(lines, fmt.Sprintf("CRD %s: objects may be stored as %s, and no API server gives that up", loss.Name, strings.Join(loss.Stored, ", ")))
		}
	}
	if e.Forgotten > 0 {
		lines = append(lines, fmt.Sprintf("what helm release %s brought up to revision %d is not recorded any more; it may have been this",
			e.Owner, e.Forgotten))
	}
	switch {
	case len(e.Losses) == 0:
		lines = append(lines, "its CRDs lack nothing that those in the cluster have")
	case e.Unseen != nil:
		lines = append(lines, "how many objects of these kinds there are cannot be seen: "+e.Unseen.Error())
	default:
		lines = append(lines, fmt.Sprintf("there %s %s of these kinds", english.PluralWord(e.Objects, "is", "are"), english.Plural(e.Objects, "object", "")))
	}
	return strings.Join(lines, "\n  ")
}

// notOlder refuses what goes back, unless that is allowed: to an older chart, and to CRDs that have less, while
// there are objects of them, where no upgrade accounts for that. What goes back on a version in which objects
// may be stored is refused in any case, as the API server would do later. Found is what the chart brings and is there.
func (i *installation) notOlder(ctx context.Context, found []cluster.Found) error {
	p := i.outcome.Prepared
	older := &OlderError{Owner: i.owner(), Wanted: p.Chart.Name() + " " + p.Chart.Version(), Losses: definitions.Losses(found)}
	if newer := i.recorded.newer(p.Product, p.Chart); newer != nil {
		older.Installed = *newer
	} else if older.Losses = i.unaccounted(older.Losses); len(older.Losses) == 0 {
		return nil
	} else if i.recorded.noneNewer(p.Product, p.Chart) {
		older.Forgotten = i.recorded.forgotten()
	}
	if err := i.count(ctx, older); err != nil {
		return err
	}
	switch {
	case older.Stored():
	case older.Installed.Chart == "" && older.Objects == 0 && older.Unseen == nil:
		return nil
	case i.AllowDowngrade:
		i.Hooks.warn("as was allowed, this goes back: " + older.Error())
		return nil
	}
	return older
}

// unaccounted are the losses that are not an upgrade's, which takes away what an earlier revision has brought, and
// not the operator's to put back.
func (i *installation) unaccounted(all []definitions.Loss) []definitions.Loss {
	p := i.outcome.Prepared
	upgrade := i.recorded.noneNewer(p.Product, p.Chart)
	var rest []definitions.Loss
	for _, loss := range all {
		known := []string{difference.Converter}
		for _, object := range i.recorded.objects {
			if upgrade && object.IsCRD() && object.GetName() == loss.Name {
				known = append(known, difference.Losses(&object.Unstructured, loss.Wanted)...)
			}
		}
		if left := notIn(known, loss.Losses); len(loss.Stored) > 0 {
			rest = append(rest, loss)
		} else if len(left) > 0 {
			loss.Losses = left
			rest = append(rest, loss)
		}
	}
	return rest
}

// count counts the objects that would lose something. What cannot be listed is said to be unseen, whatever the
// reason: the webhook that converts them may be down with the operator that serves it.
func (i *installation) count(ctx context.Context, older *OlderError) error {
	for _, loss := range older.Losses {
		objects, err := i.Cluster.Instances(ctx, loss.Kind)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			older.Unseen = err
		}
		older.Objects += len(objects)
	}
	return nil
}

// newer is a revision that runs, or was to run, and is of a newer chart; nil where none is.
func (r recorded) newer(product *versions.Product, c *chart.Chart) *helm.Revision {
	for _, revision := range r.history {
		if revision.Gone() {
			return nil
		}
		if order, known := compareCharts(product, revision.Chart, c); known && order > 0 {
			return revision
		}
		if revision.Status == helm.Deployed {
			return nil
		}
	}
	return nil
}

// noneNewer tells whether no chart that was ever recorded is newer than this one. It may have been tried before:
// an upgrade that failed and was taken back has still to take away what it takes.
func (r recorded) noneNewer(product *versions.Product, c *chart.Chart) bool {
	return len(r.history) > 0 && !slices.ContainsFunc(r.history, func(revision *helm.Revision) bool {
		order, known := compareCharts(product, revision.Chart, c)
		return !known || order > 0
	})
}

// forgotten counts the revisions that were recorded once: helm keeps the newest few.
func (r recorded) forgotten() int { return r.history[len(r.history)-1].Number - 1 }

// compareCharts is negative where a chart, "NAME VERSION", is older than another. Charts of two names are
// compared by the product's releases that they are of, where both are known.
func compareCharts(product *versions.Product, installed string, wanted *chart.Chart) (order int, known bool) {
	name, version, _ := strings.Cut(installed, " ")
	if name == wanted.Name() {
		return releasename.Compare(version, wanted.Version()), true
	}
	a, b := releaseOf(product, name, version), releaseOf(product, wanted.Name(), wanted.Version())
	if a == "" || b == "" {
		return 0, false
	}
	return releasename.Compare(a, b), true
}

// releaseOf is the release of a product that a chart is of; empty where none is known.
func releaseOf(product *versions.Product, name, version string) string {
	for _, release := range product.Releases {
		for _, c := range release.Charts {
			if path.Base(c.Repository) == name && releasename.Same(strings.ReplaceAll(c.Tag, "_", "+"), version) {
				return release.Name
			}
		}
	}
	return ""
}
