package relocate

import (
	"context"
	"errors"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
)

// SecretOptions are what making pull secrets takes besides the settings.
type SecretOptions struct {
	// Place is where the operator is: the secrets are its helm release's.
	Place Place
	// Namespaces get a secret of the place's name; without any, every secret that was made
	// for the private registry is renewed.
	Namespaces []string
	// PullCredentials go into the cluster; nil takes
	// those in the environment for pulling, or else the user's own for the registry.
	PullCredentials *PullCredentials
	// Force takes over a secret that is not ours.
	Force bool
}

// NoCredentialsError says that there is nothing to put into a pull secret.
type NoCredentialsError struct{ Host string }

// Error names the registry.
func (e *NoCredentialsError) Error() string { return "there are no credentials for " + e.Host }

// Secrets creates or renews pull secrets. The results are there beside an error too.
func (s *Session) Secrets(ctx context.Context, opts SecretOptions) ([]cluster.SecretResult, error) {
	m := &secretMaking{Session: s, SecretOptions: opts}
	err := run(ctx,
		m.choosePlace,
		m.findCredentials,
		m.tryCredentials, // what the registry refuses does not go into the cluster
		m.connect,        // the cluster
		m.apply,
	)
	return m.results, err
}

// secretMaking is a run of Secrets that is under way.
type secretMaking struct {
	*Session
	SecretOptions
	login   pullLogin
	cluster *cluster.Cluster
	results []cluster.SecretResult
}

func (m *secretMaking) choosePlace(context.Context) error {
	product, err := m.Product()
	if err == nil {
		m.Place = m.Place.of(product)
	}
	return err
}

func (m *secretMaking) findCredentials(ctx context.Context) (err error) {
	if m.login, err = m.pullCredentials(ctx, m.PullCredentials); err != nil {
		return err
	}
	if m.login.IsZero() {
		return &exit.UsageError{Err: &NoCredentialsError{m.cfg.Registry.Host}}
	}
	return nil
}

func (m *secretMaking) tryCredentials(ctx context.Context) error {
	client, err := m.Clients.As(ctx, m.cfg.Registry.Host, m.login.Login)
	if err != nil {
		return err
	}
	return m.login.refused(client.Ping(ctx))
}

func (m *secretMaking) connect(ctx context.Context) (err error) {
	m.cluster, err = m.Connect(ctx, m.Place)
	return err
}

// apply goes on after a failure.
func (m *secretMaking) apply(ctx context.Context) (err error) {
	if len(m.Namespaces) == 0 {
		m.results, err = m.cluster.Rotate(ctx, m.cfg.Registry.Host, m.login.Login)
		return err
	}
	var failures []error
	for _, namespace := range m.Namespaces {
		result, err := m.cluster.Apply(ctx, cluster.PullSecret{
			Namespace: namespace, Name: m.Place.PullSecret, Host: m.cfg.Registry.Host, Credentials: m.login.Login, Force: m.Force,
			Owner: cluster.Owner{Namespace: m.Place.Namespace, Release: m.Place.HelmRelease},
		})
		if err != nil {
			failures = append(failures, err)
			continue
		}
		m.results = append(m.results, result)
	}
	return errors.Join(failures...)
}
