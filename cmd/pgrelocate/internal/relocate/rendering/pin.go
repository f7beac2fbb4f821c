package rendering

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/chart/rewrite"
	"github.com/pgrelocate/pgrelocate/internal/install/preparation"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// pinning names images in values by the digests that the private registry has for their tags.
type pinning struct {
	registry verify.Puller
	// images are all of the release, by their references at the target.
	images map[string]versions.Artifact
	// settled are repositories of which an image was named by digest, or none is named.
	settled map[string]bool
}

// pinDigests names the images in values by their digests as well: where a value is a whole
// reference, and where rendering the chart proves that values in parts take one. It returns what
// stays named by its tag. The tags stay where the chart lets them, for people and for operators that read
// versions off them.
func pinDigests(ctx context.Context, reg verify.Puller, subject preparation.Subject, rewritten *rewrite.Rewritten, confinement chart.Confinement) (map[string]any, []string, error) {
	p := &pinning{registry: reg, images: map[string]versions.Artifact{}, settled: map[string]bool{}}
	for _, left := range rewritten.LeftOut {
		p.settled[left.Artifact.Target.Repository] = true
	}
	for _, a := range subject.Artifacts {
		if a.Role != versions.RoleChart {
			p.images[a.Target.String()] = a
		}
	}
	made, err := p.value(ctx, rewritten.Values)
	if err != nil {
		return nil, nil, err
	}
	pinned, err := preparation.Pin(ctx, subject, reg, made.(map[string]any), chart.RenderOptions{Confinement: confinement})
	if err != nil {
		return nil, nil, err
	}
	for _, image := range pinned.Images {
		p.settled[image.Repository] = true
	}
	var rest []string
	for _, a := range p.images {
		isNamed := subject.Names(a) || !pinned.Rendered || slices.Contains(pinned.Open, a.Target)
		if isNamed && !p.settled[a.Target.Repository] {
			rest = append(rest, path.Base(a.Target.Repository))
		}
	}
	slices.Sort(rest)
	return pinned.Values, slices.Compact(rest), nil
}

// value is a value with the images in it pinned.
func (p *pinning) value(ctx context.Context, value any) (any, error) {
	switch value := value.(type) {
	case string:
		return p.text(ctx, value)
	case map[string]any:
		made := make(map[string]any, len(value))
		for key, inner := range value {
			pinned, err := p.value(ctx, inner)
			if err != nil {
				return nil, err
			}
			made[key] = pinned
		}
		return made, nil
	case []any:
		made := make([]any, 0, len(value))
		for _, inner := range value {
			pinned, err := p.value(ctx, inner)
			if err != nil {
				return nil, err
			}
			made = append(made, pinned)
		}
		return made, nil
	}
	return value, nil
}

func (p *pinning) text(ctx context.Context, text string) (string, error) {
	image, ok := p.images[text]
	if !ok || image.Target.Digest != "" {
		return text, nil
	}
	found, err := p.registry.Resolve(ctx, image.Target.Repository, image.Target.Tag)
	if err != nil {
		return "", err
	}
	p.settled[image.Target.Repository] = true
	at := image.Target
	at.Digest = found.Digest.String()
	return at.String(), nil
}

// notPinned says what is named by tags.
func notPinned(rest []string) string {
	return "named by tag and not by digest, for the chart's values take none there: " + strings.Join(rest, ", ")
}
