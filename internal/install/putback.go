package install

import (
	"context"
	"errors"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/definitions"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// putBackTimeout bounds the putting back, which the end of a run does not stop.
const putBackTimeout = time.Minute

// putBack puts the CRDs back that a run to be taken back has changed, those of which nothing is lost with that. It is
// nil where there is nothing to put back, and while helm may still be at work.
func (i *installation) putBack(ctx context.Context, step string, failed error) *definitions.Back {
	var taken *helm.TakenBackError
	over := step == stepDefinitions || step == stepOperator && (!i.begun || errors.As(failed, &taken))
	// That nothing was seen to have begun tells nothing where helm was left to itself: the records may not be readable.
	if !i.Atomic || !over || errors.Is(failed, helm.ErrAtWork) {
		return nil
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackTimeout)
	defer cancel()
	return definitions.PutBack(bounded, i.Cluster, i.applied)
}

// saysOfDefinitions is for the end of an error.
func saysOfDefinitions(back *definitions.Back) []string {
	if back == nil {
		return nil
	}
	var lines []string
	if len(back.Restored) > 0 {
		lines = append(lines, "put back as they were: CRD "+some(back.Restored))
	}
	if len(back.Made) > 0 {
		lines = append(lines, "made by this run, and still there, for every object of their kinds would go with them: CRD "+some(back.Made))
	}
	for _, left := range back.Left {
		line := "not put back: CRD " + left.Name + ", " + left.Why
		if len(left.Losses) > 0 {
			line += ": " + some(left.Losses)
		}
		lines = append(lines, line)
	}
	return lines
}
