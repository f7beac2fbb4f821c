package install

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// LeavingError lists what the chart brings, and the namespaces that it goes into, that somebody is deleting: what is
// written there would be gone with it.
type LeavingError struct{ Objects []string }

// Error lists them, one a line.
func (e *LeavingError) Error() string {
	n := len(e.Objects)
	text := fmt.Sprintf("%s %s being deleted by somebody, and would go after the installation", english.Plural(n, "object", ""), english.PluralWord(n, "is", "are"))
	return text + "\n  " + strings.Join(e.Objects, "\n  ")
}

// notLeaving refuses where anything of what was found, or a namespace, is on its way out. Hooks do not count, for helm
// deletes them itself.
func (i *installation) notLeaving(ctx context.Context, found []cluster.Found) error {
	var wanted []chart.Object
	for _, namespace := range i.allNamespaces() {
		if slices.Contains(i.missing, namespace) {
			continue
		}
		object, err := chart.NewObject(map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}})
		if err != nil {
			return err
		}
		wanted = append(wanted, object)
	}
	namespaces, err := i.Cluster.Find(ctx, wanted, "")
	if err != nil {
		return err
	}
	leaving := &LeavingError{}
	for _, each := range append(namespaces, found...) {
		title := cluster.Title(each.Live)
		if each.Live.GetDeletionTimestamp() != nil && !each.Hook && !slices.Contains(leaving.Objects, title) {
			leaving.Objects = append(leaving.Objects, title)
		}
	}
	if len(leaving.Objects) > 0 {
		return leaving
	}
	return nil
}
