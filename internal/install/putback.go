package install

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/pgrelocate/pgrelocate/internal/chart/difference"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// Definitions is what became of the CRDs that a run had written before it helm began, where it was to take back
// what it had made.
type Definitions struct {
	// Restored are as they were before. Made were made by the run, and stay, for every object of their kinds would
	// go with them.
	Restored, Made []string
	// Left are as the run has left them, or somebody else since: the name of each, and why.
	Left []string
}

// lines say so, for the end of an error.
func (d *Definitions) lines() []string {
	if d == nil {
		return nil
	}
	var lines []string
	if len(d.Restored) > 0 {
		lines = append(lines, "put back as they were: CRD "+some(d.Restored))
	}
	if len(d.Made) > 0 {
		lines = append(lines, "made by this run, and still there, for every object of their kinds would go with them: CRD "+some(d.Made))
	}
	for _, left := range d.Left {
		lines = append(lines, "not put back: CRD "+left)
	}
	return lines
}

// putBackTimeout bounds the putting back, which the end of a run does not stop.
const putBackTimeout = time.Minute

// putBack puts the CRDs back that a run to be taken back has changed, those of which nothing is lost with that. It is
// nil where there is nothing to put back, and while helm may still be at work.
func (i *installation) putBack(ctx context.Context, step string, failed error) *Definitions {
	var taken *helm.TakenBackError
	over := step == stepDefinitions || step == stepOperator && (!i.begun || errors.As(failed, &taken))
	if !i.Atomic || !over {
		return nil
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackTimeout)
	defer cancel()
	var done Definitions
	for _, applied := range i.applied {
		switch {
		case applied.Former == nil:
			done.Made = append(done.Made, applied.Name)
		case !applied.Changed():
		default:
			if why := i.putBackOne(bounded, applied); why != "" {
				done.Left = append(done.Left, applied.Name+", "+why)
			} else {
				done.Restored = append(done.Restored, applied.Name)
			}
		}
	}
	return &done
}

// putBackOne is empty where a CRD is as it was, and says why it is not otherwise.
func (i *installation) putBackOne(ctx context.Context, applied cluster.Applied) string {
	live, err := i.Cluster.Definition(ctx, applied.Name)
	switch {
	case err != nil:
		return "for it cannot be looked at: " + err.Error()
	case live == nil:
		return "which is there no more"
	case !applied.IsStill(live):
		return "which somebody else has changed since"
	}
	if stored := storedBeside(live, applied.Former); len(stored) > 0 {
		return "for objects may be stored as " + strings.Join(stored, ", ") + " by now, which it did not have"
	}
	if losses := difference.Losses(live, applied.Former); len(losses) > 0 {
		return "for objects may have by now what would go with that: " + some(losses)
	}
	if err := i.Cluster.PutBack(ctx, applied, live); err != nil {
		return fmt.Sprintf("for that failed: %v", err)
	}
	return ""
}

// storedBeside are the versions in which objects of a CRD may be stored, and that another definition of it lacks.
func storedBeside(live, other *unstructured.Unstructured) []string {
	stored, _, _ := unstructured.NestedStringSlice(live.Object, "status", "storedVersions")
	return notIn(difference.Versions(other), stored)
}
