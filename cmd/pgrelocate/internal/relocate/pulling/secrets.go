package pulling

import (
	"context"
	"errors"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/nodes"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
)

// SecretOptions are what making pull secrets takes besides the settings.
type SecretOptions struct {
	// Destination is where the operator is: the secrets are its helm release's.
	Destination reaching.Destination
	// Namespaces get a secret of the place's name; without any, every secret that was made
	// for the private registry is renewed.
	Namespaces []string
	// Credentials go into the cluster; nil takes those in the environment for pulling, or else the
	// user's own for the registry.
	Credentials *Credentials
	// VendorHosts makes the secrets good for the vendors' hosts too, for nodes that lead these to
	// the private registry.
	VendorHosts bool
	// Force takes over a secret that is not ours.
	Force bool
}

// NoCredentialsError says that there is nothing to put into a pull secret.
type NoCredentialsError struct{ Host string }

// Error names the registry.
func (e *NoCredentialsError) Error() string { return "there are no credentials for " + e.Host }

// Secrets creates or renews pull secrets. The results are there beside an error too.
func Secrets(ctx context.Context, s *relocate.Session, opts SecretOptions) ([]pullsecret.Result, error) {
	m := &secretMaking{Session: s, SecretOptions: opts}
	err := relocate.Run(ctx,
		m.choosePlace,
		m.chooseVendors,
		m.findCredentials,
		m.tryCredentials, // what the registry refuses does not go into the cluster
		m.connect,        // the cluster
		m.apply,
	)
	return m.results, err
}

// secretMaking is a run of Secrets that is under way.
type secretMaking struct {
	*relocate.Session
	SecretOptions
	login   Login
	vendors []string
	cluster *cluster.Cluster
	results []pullsecret.Result
}

func (m *secretMaking) choosePlace(context.Context) error {
	product, err := m.Product()
	if err == nil {
		m.Destination = m.Destination.Of(product)
	}
	return err
}

// chooseVendors finds the vendors' hosts that nodes lead to the private registry.
func (m *secretMaking) chooseVendors(context.Context) error {
	if !m.VendorHosts {
		return nil
	}
	artifacts, err := m.ArtifactsAtVendor()
	if err != nil {
		return err
	}
	rules, err := nodes.Rules(artifacts)
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	m.vendors = nodes.Hosts(rules)
	return nil
}

func (m *secretMaking) findCredentials(ctx context.Context) (err error) {
	if m.login, err = LoginFor(ctx, m.Session, m.Credentials); err != nil {
		return err
	}
	if m.login.IsZero() {
		return &exit.UsageError{Err: &NoCredentialsError{m.Config.Registry.Host}}
	}
	TellLifetime(m.Session, m.login.Login)
	return nil
}

// TellLifetime warns of a password that a cluster could not use for long. It is told once.
func TellLifetime(s *relocate.Session, login credentials.Login) {
	life, short := credentials.LifetimeOf(s.Config.Registry.Host, login, time.Now())
	if !short {
		return
	}
	words := "that works until " + life.Until.UTC().Format("2006-01-02 15:04 MST")
	switch {
	case life.About:
		words = "that works for hours, at most until about " + life.Until.UTC().Format("2006-01-02 15:04 MST")
	case life.Until.Before(time.Now()):
		words = "that has not worked since " + life.Until.UTC().Format("2006-01-02 15:04 MST")
	}
	text := "the cluster is given " + life.Of + " " + words + "; then nothing is pulled any more"
	if life.Instead != "" {
		text += ". Better is " + life.Instead
	}
	if _, told := s.Told.LoadOrStore(text, true); !told {
		s.Warn(text + ". A secret can be kept new by a watch: see docs/pull-secrets.md")
	}
}

func (m *secretMaking) tryCredentials(ctx context.Context) error {
	client, err := m.Clients.As(ctx, m.Config.Registry.Host, m.login.Login)
	if err != nil {
		return err
	}
	return m.login.Refused(client.Ping(ctx))
}

func (m *secretMaking) connect(ctx context.Context) (err error) {
	m.cluster, err = reaching.Connect(ctx, m.Session, m.Destination)
	return err
}

// apply goes on after a failure.
func (m *secretMaking) apply(ctx context.Context) (err error) {
	if len(m.Namespaces) == 0 {
		m.results, err = pullsecret.Rotate(ctx, m.cluster, m.Config.Registry.Host, m.login.Login)
		return err
	}
	var failures []error
	for _, namespace := range m.Namespaces {
		result, err := pullsecret.Apply(ctx, m.cluster, m.secretIn(namespace))
		if err != nil {
			failures = append(failures, err)
			continue
		}
		m.results = append(m.results, result)
	}
	return errors.Join(failures...)
}

// secretIn is the secret of one namespace.
func (m *secretMaking) secretIn(namespace string) pullsecret.Secret {
	return pullsecret.Secret{
		Namespace: namespace, Name: m.Destination.PullSecret, Host: m.Config.Registry.Host, Vendors: m.vendors,
		Credentials: m.login.Login, Force: m.Force,
		Owner: cluster.Owner{Namespace: m.Destination.Namespace, Release: m.Destination.HelmRelease},
	}
}
