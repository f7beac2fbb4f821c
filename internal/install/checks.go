package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/helm"
)

// The steps that only read.

func (i *installation) prepare(ctx context.Context) (string, error) {
	apis, err := i.Cluster.APIVersions()
	if err != nil {
		return "", err
	}
	if err := i.readRecords(ctx); err != nil {
		return "", err
	}
	p, err := Prepare(ctx, i.Subject, i.Registry, chart.RenderOptions{
		KubeVersion: i.Cluster.Version(), APIVersions: apis, Upgrade: !i.recorded.last.Gone(), Live: i.Cluster.Getter(),
	})
	if err != nil {
		return "", err
	}
	i.outcome.Prepared = p
	for _, notice := range p.Notices {
		i.Hooks.warn(notice)
	}
	return fmt.Sprintf("%s %s, %d objects, none names the source registry", p.Chart.Name(), p.Chart.Version(), len(p.Rendering.Objects)),
		helm.CheckSize(p.Chart, p.Values, p.Rendering)
}

// readRecords also refuses early where another run is under way. That it may not be read is for
// the next step to say, with everything else that is not allowed.
func (i *installation) readRecords(ctx context.Context) error {
	var err error
	i.recorded, err = readRecords(ctx, i.Cluster, i.owner())
	if errors.Is(err, cluster.ErrDenied) && !errors.Is(err, cluster.ErrUnauthenticated) {
		i.unread = err
		return nil
	}
	if err != nil {
		return err
	}
	return i.recorded.last.Busy()
}

func (i *installation) images(ctx context.Context) (string, error) {
	p := i.outcome.Prepared
	var err error
	if i.pull, err = i.Dial(i.Subject.Target.Host, i.Credentials); err != nil {
		return "", err
	}
	known := len(p.Notices)
	if err := p.Resolve(ctx, i.pull); err != nil {
		return "", err
	}
	for _, notice := range p.Notices[known:] {
		i.Hooks.warn(notice)
	}
	if err := i.unmirrored(p); err != nil {
		return "", err
	}
	i.warnOfPush(ctx, p)
	resolved := 0
	for _, image := range p.Images {
		if image.Digest != "" {
			resolved++
		}
	}
	return fmt.Sprintf("%d of %d resolve in %s with the pull credentials", resolved, len(p.Images), i.Subject.Target), nil
}

func (i *installation) unmirrored(p *Prepared) error {
	if len(p.Unmirrored) == 0 {
		return nil
	}
	list := strings.Join(p.Unmirrored, ", ")
	switch {
	case i.Strict:
		return &UnmirroredError{Versions: p.Unmirrored}
	case i.OnlyMirrored:
		p.OnlyMirrored()
		i.Hooks.warn(fmt.Sprintf("left out, for their image was not relocated: %s", list))
	default:
		i.Hooks.warn(fmt.Sprintf("%d versions can be picked but not pulled, for their image was not relocated: %s", len(p.Unmirrored), list))
	}
	return nil
}

// warnOfPush is a warning and no more: what cannot be found out is left unsaid.
func (i *installation) warnOfPush(ctx context.Context, p *Prepared) {
	for _, image := range p.Images {
		if image.Needed && image.Digest != "" && !i.Credentials.IsZero() {
			if push, err := i.pull.MayPush(ctx, image.Ref.Repository); err == nil && push {
				i.Hooks.warnOf(ErrMayPush.Error(), ErrMayPush)
			}
			return
		}
	}
}
