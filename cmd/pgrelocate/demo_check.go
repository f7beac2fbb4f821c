package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// check asks both registries for the digest of every artifact, and holds the answers
// against what was published.
func (d *demo) check(ctx context.Context) error {
	artifacts, err := d.artifacts(d.cfg)
	if err != nil {
		return err
	}
	ends := d.registries(d.cfg)
	defer ends.close()
	sides, err := ends.endpoints(ctx, artifacts)
	if err != nil {
		return err
	}
	if len(artifacts) != len(d.published) {
		return fmt.Errorf("%d artifacts were published and %d selected", len(d.published), len(artifacts))
	}
	var wrong []error
	for i, a := range artifacts {
		if err := d.checkArtifact(ctx, sides, a, d.published[i].Source.Digest); err != nil {
			wrong = append(wrong, err)
		}
	}
	if len(wrong) > 0 {
		return &exit.VerificationError{Err: errors.Join(wrong...)}
	}
	_, err = fmt.Fprintf(d.Out, "%s: the digests are the same on both sides\n", output.Count(len(artifacts), "artifact"))
	return err
}

func (d *demo) checkArtifact(ctx context.Context, sides registry.Endpoints, a versions.Artifact, published string) error {
	source, err := sides.Source(a.Source.Host)
	if err != nil {
		return err
	}
	from, err := source.Resolve(ctx, a.Source.Repository, a.Source.Tag)
	if err != nil {
		return err
	}
	to, err := sides.Target.Resolve(ctx, a.Target.Repository, a.Target.Tag)
	if err != nil {
		return err
	}
	if from.Digest != to.Digest || to.Digest.String() != published {
		return fmt.Errorf("%s is %s, but %s is %s, and %s was published", a.Source, from.Digest, a.Target, to.Digest, published)
	}
	d.detail("%s %s", to.Digest, output.Short(a.Target))
	return nil
}
