package install

import (
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Subject is what is to be installed, and where it lies.
type Subject struct {
	Product *versions.Product
	Release *versions.Release
	// Artifacts are all of the release, whatever was relocated, with their targets.
	Artifacts []versions.Artifact
	// Target is the folder in the private registry.
	Target ref.Folder
	// Chart is the chart to use; nil is pulled from the registry.
	Chart *chart.Chart
	// PullSecret is the name of the pull secret; empty puts none into the values.
	PullSecret string
	// User are the user's own values, laid over the rewritten ones.
	User chart.UserValues
	// HelmRelease and Namespace are where it goes.
	HelmRelease, Namespace string
}

// RewrittenValues computes the values that name the private registry. Extras are named
// only where the registry has them; their names are returned where not. A nil registry
// takes all of them to be there.
func RewrittenValues(ctx context.Context, subject Subject, reg verify.Puller) (values map[string]any, absent []string, err error) {
	var artifacts []versions.Artifact
	for _, artifact := range subject.Artifacts {
		if artifact.Role == versions.RoleExtra && reg != nil {
			_, err := reg.Resolve(ctx, artifact.Target.Repository, artifact.Target.Tag)
			if errors.Is(err, registry.ErrNotFound) {
				absent = append(absent, artifact.Extra)
				continue
			}
			if err != nil {
				return nil, nil, err
			}
		}
		artifacts = append(artifacts, artifact)
	}
	return chart.Rewrite(subject.Release.Values, artifacts, subject.PullSecret), absent, nil
}
