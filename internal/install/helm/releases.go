package helm

import (
	"context"
	"errors"
	"fmt"
	"io"

	"helm.sh/helm/v3/pkg/action"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"helm.sh/helm/v3/pkg/storage"
	"helm.sh/helm/v3/pkg/storage/driver"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/readiness"
)

// Releases are the releases of one namespace of one cluster. Use Open.
type Releases struct {
	namespace string
	cluster   *cluster.Cluster
	config    *action.Configuration
	client    *kubeClient
	records   *records
	// unseen is as Unseen says.
	unseen error
	// marked is as Marked says.
	marked []string
}

// Open binds helm's library to a namespace. The context ends what is under way; waiting is told
// what is waited for, and may be nil.
func Open(ctx context.Context, c *cluster.Cluster, namespace string, waiting func([]readiness.Pending)) (*Releases, error) {
	if waiting == nil {
		waiting = func([]readiness.Pending) {}
	}
	client, err := newKubeClient(ctx, c, namespace, waiting)
	if err != nil {
		return nil, err
	}
	store := &records{Driver: driver.NewSecrets(client.typed.CoreV1().Secrets(namespace))}
	config := &action.Configuration{
		RESTClientGetter: c.Getter(),
		Releases:         storage.Init(store),
		KubeClient:       client,
		Log:              func(string, ...any) {},
		HookOutputFunc:   func(_, _, _ string) io.Writer { return io.Discard },
	}
	return &Releases{namespace: namespace, cluster: c, config: config, client: client, records: store}, nil
}

// Last is the newest revision of a release; nil where there is none, as far as could be looked at: see
// Unseen. It is an *ElsewhereError where helm keeps the release in other places than here.
func (r *Releases) Last(name string) (*Revision, error) {
	last, err := r.last(name)
	return revision(last), err
}

func (r *Releases) last(name string) (*helmrelease.Release, error) {
	release, err := r.config.Releases.Last(name)
	if errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, r.elsewhere(name)
	}
	if err != nil {
		return nil, cluster.Explain(fmt.Errorf("reading helm release %s: %w", name, err))
	}
	return release, nil
}

// History are all revisions of a release that are recorded, in no order; none where there is no
// such release. Like Last, it says where helm keeps it elsewhere.
func (r *Releases) History(name string) ([]*Revision, error) {
	history, err := r.config.Releases.History(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		return nil, cluster.Explain(fmt.Errorf("reading helm release %s: %w", name, err))
	}
	if len(history) == 0 {
		return nil, r.elsewhere(name)
	}
	var all []*Revision
	for _, release := range history {
		all = append(all, revision(release))
	}
	return all, nil
}

// State is how it stands with a release now.
func (r *Releases) State(name string) Situation {
	state := Situation{Name: name}
	history, err := r.config.Releases.History(name)
	if err != nil && !errors.Is(err, driver.ErrReleaseNotFound) {
		state.Err = err
		return state
	}
	for _, release := range history {
		if state.Newest == nil || release.Version > state.Newest.Number {
			state.Newest = revision(release)
		}
		if release.Info.Status == helmrelease.StatusDeployed {
			state.Worked = release.Version
		}
	}
	return state
}
