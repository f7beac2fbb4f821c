package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/internal/registry/plan"
)

// check asks both registries for the digest of every artifact, and holds the answers
// against what was published.
func (d *demo) check(ctx context.Context) error {
	s := relocate.New(d.cfg, relocate.Options{UserAgent: d.UserAgent})
	defer s.Close()
	found, err := copying.Plan(ctx, s, copying.PlanOptions{})
	if err != nil {
		return err
	}
	if len(found.Artifacts) != len(d.published) {
		return fmt.Errorf("%d artifacts were published and %d selected", len(d.published), len(found.Artifacts))
	}
	var wrong []error
	for i, a := range found.Artifacts {
		if err := d.checkArtifact(a, d.published[i].Source.Digest); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return &exit.VerificationError{Err: errors.Join(wrong...)}
	}
	_, err = fmt.Fprintf(d.Result, "%s: the digests are the same on both sides\n", output.Count(len(found.Artifacts), "artifact"))
	return err
}

func (d *demo) checkArtifact(a *plan.Artifact, published string) error {
	if a.Digest == "" || a.TargetDigest == "" {
		return cmp.Or(a.Err, fmt.Errorf("%s is %s", a.Target, a.State))
	}
	if a.Digest != a.TargetDigest || a.TargetDigest != published {
		return fmt.Errorf("%s is %s, but %s is %s, and %s was published", a.Source, a.Digest, a.Target, a.TargetDigest, published)
	}
	d.Detail("%s %s", a.TargetDigest, output.Short(a.Target))
	return nil
}
