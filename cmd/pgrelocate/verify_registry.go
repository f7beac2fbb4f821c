package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// withoutCluster tells whether a verification is of the registry alone: where that is wanted,
// and where a registry is named and nothing names a cluster.
func (o *verifyOptions) withoutCluster(a *app, cfg *config.Config, connecting error) bool {
	switch {
	case o.noCluster:
		return true
	case errors.Is(connecting, cluster.ErrNoKubeconfig) && !cfg.Registry.IsZero():
		a.warn("there is no kubeconfig: the registry alone is checked, and no cluster")
		return true
	}
	return false
}

// verifyMirror holds the private registry against the selection, or against a bundle: every tag
// is there, with the bundle's digest where there is one, and everything below it.
func verifyMirror(ctx context.Context, a *app, cfg *config.Config, opts *verifyOptions) error {
	if err := needRegistry(cfg); err != nil {
		return err
	}
	_, product, err := a.product(cfg)
	if err != nil {
		return err
	}
	artifacts, questions, err := opts.wanted(ctx, a, cfg)
	if err != nil {
		return err
	}
	ends := a.registries(cfg)
	defer ends.close()
	target, err := ends.openTarget(ctx, false)
	if err != nil {
		return err
	}
	target.Prepare(repositories(artifacts))
	answers, err := holdings.NewInspector(target).Ask(ctx, questions)
	if err != nil {
		return err
	}
	matrix := view.NewMatrix(product, artifacts)
	wrong := 0
	for i, answer := range answers {
		if answer.Presence != holdings.Present {
			wrong++
			a.complain(answer)
		}
		matrix.SetHeld(i, answer)
	}
	if err := a.print(cfg, matrix); err != nil || wrong == 0 {
		return err
	}
	return &exit.VerificationError{
		Err:    fmt.Errorf("%d of %s are not as they should be in %s", wrong, output.Count(len(artifacts), "artifact"), cfg.Registry),
		Advice: "pgrelocate copy --check puts there what is missing; --versions and --editions say what to look for",
	}
}

// wanted is what the registry should hold.
func (o *verifyOptions) wanted(ctx context.Context, a *app, cfg *config.Config) ([]versions.Artifact, []holdings.Question, error) {
	if !o.bundle.given() {
		artifacts, err := a.artifacts(cfg)
		questions := make([]holdings.Question, len(artifacts))
		for i, artifact := range artifacts {
			questions[i].Ref = artifact.Target
		}
		return artifacts, questions, err
	}
	b, err := o.bundle.open(ctx, a, cfg)
	if err != nil {
		return nil, nil, err
	}
	defer b.Close()
	artifacts := b.Lock().ArtifactsFor(cfg.Registry)
	questions := make([]holdings.Question, len(artifacts))
	for i, artifact := range artifacts {
		questions[i] = holdings.Question{Ref: artifact.Target, Want: b.Lock().Artifacts[i].Digest.String()}
	}
	return artifacts, questions, nil
}

// complain says what is wrong with one artifact.
func (a *app) complain(answer holdings.Answer) {
	reason := answer.Error()
	if answer.Presence == holdings.Missing {
		reason = fmt.Sprintf("%s is missing", answer.Ref)
	}
	a.say("", "wrong: ", "%s", reason)
}
