package preparation

import (
	"context"
	"fmt"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// prove holds the rendering against what has to be so: every image lies below the target, or
// stands at a place that is accepted. What is accepted, and what accepts nothing, is told of.
func (p *Prepared) prove(ctx context.Context) error {
	proof := p.proof()
	found := proof.Check(p.Rendering)
	if len(found.Open) > 0 {
		var err error
		if proof.Absent, err = p.absent(ctx, found.Open); err != nil {
			return err
		}
		if proof.Relocated, err = p.relocated(ctx, found.Open); err != nil {
			return err
		}
		found = proof.Check(p.Rendering)
	}
	p.Accepted = len(found.Accepted)
	for _, place := range found.Accepted {
		notice := fmt.Sprintf("accepted: %s: %s", place.Use, place.Text)
		if place.Reason != "" {
			notice += " (" + place.Reason + ")"
		}
		p.Notices = append(p.Notices, notice)
	}
	for _, unused := range found.Unused {
		p.Notices = append(p.Notices, fmt.Sprintf("nothing had to be accepted at %s", unused))
	}
	if len(found.Open) > 0 {
		return &ProofError{Target: p.Target, Product: p.Product.Name, Release: p.Release.Name, Places: found.Open}
	}
	return nil
}

// proof is what has to hold of every rendering.
func (p *Prepared) proof() naming.Proof {
	return naming.Proof{Target: p.Target, Origin: p.Origin(), Accept: p.Accept}
}

// CheckSent holds what helm is about to send against what was found good: the proof holds, and
// it names no image that the private registry was not asked for.
func (p *Prepared) CheckSent(rendering *chart.Rendering) error {
	if found := p.proof().Check(rendering); len(found.Open) > 0 {
		return &RefusedManifestError{Err: &ProofError{Target: p.Target, Product: p.Product.Name, Release: p.Release.Name, Places: found.Open}}
	}
	var unknown []string
	for _, image := range naming.ImagesOf(rendering, p.Origin()) {
		if !slices.ContainsFunc(p.Images, func(known ResolvedImage) bool { return known.Ref == image.Ref }) {
			unknown = append(unknown, image.Ref.String()+" in "+image.Uses[0].String())
		}
	}
	if len(unknown) > 0 {
		return &RefusedManifestError{Err: &UnaskedError{Images: unknown}}
	}
	return nil
}

// Origin is where the product comes from.
func (p *Prepared) Origin() naming.Origin { return naming.OriginOf(p.Artifacts, p.Release) }

// absent are those of the images named at places that the product has and the private
// registry has not, so that the cause is told that is one.
func (p *Prepared) absent(ctx context.Context, places []naming.Leftover) ([]ref.Reference, error) {
	var absent []ref.Reference
	for _, artifact := range p.Artifacts {
		if artifact.Role == versions.RoleChart || !slices.ContainsFunc(places, func(place naming.Leftover) bool { return place.Names(artifact.Source) }) {
			continue
		}
		has, err := p.asked.has(ctx, artifact)
		if err != nil {
			return nil, err
		}
		if !has {
			absent = append(absent, artifact.Source)
		}
	}
	return absent, nil
}

// relocated are those of the images named at places that the private registry has, where a copy
// puts what the chart names.
func (p *Prepared) relocated(ctx context.Context, places []naming.Leftover) ([]ref.Reference, error) {
	var relocated []ref.Reference
	for _, place := range places {
		image := place.Image
		if image.Tag == "" && image.Digest == "" {
			continue
		}
		has, err := p.asked.has(ctx, versions.Artifact{Role: versions.RoleChartImage, Target: p.Origin().Below(p.Target, image)})
		if err != nil {
			return nil, err
		}
		if has {
			relocated = append(relocated, image)
		}
	}
	return relocated, nil
}
