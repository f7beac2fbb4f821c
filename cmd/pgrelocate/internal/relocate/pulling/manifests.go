package pulling

import (
	"bytes"
	"context"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
)

// RemoteKey is where External Secrets finds a docker config.
type RemoteKey struct {
	// Store is the name of a ClusterSecretStore, or with Namespaced of a SecretStore.
	Store      string
	Namespaced bool
	// Key is the entry there that holds the docker config.
	Key string
}

// Manifests are the pull secrets that Secrets would make, as YAML, for tools that bring them
// into the cluster. No cluster is asked. They hold the password: who asked for them sees to it that
// they go nowhere else.
func Manifests(ctx context.Context, s *relocate.Session, opts SecretOptions) ([]byte, error) {
	m := &secretMaking{Session: s, SecretOptions: opts}
	err := relocate.Run(ctx, m.choosePlace, m.chooseVendors, m.findCredentials, m.tryCredentials)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, namespace := range m.Namespaces {
		text, err := pullsecret.YAML(m.secretIn(namespace))
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return bytes.Join(all, []byte("---\n")), nil
}

// ExternalSecrets are manifests for External Secrets, which makes the pull secrets of a docker
// config that lies in a store. They hold no password, and nobody is asked.
func ExternalSecrets(ctx context.Context, s *relocate.Session, opts SecretOptions, from RemoteKey) ([]byte, error) {
	m := &secretMaking{Session: s, SecretOptions: opts}
	if err := m.choosePlace(ctx); err != nil {
		return nil, err
	}
	var all [][]byte
	for _, namespace := range m.Namespaces {
		text, err := pullsecret.ExternalYAML(namespace, m.Destination.PullSecret, from.Store, from.Namespaced, from.Key)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return bytes.Join(all, []byte("---\n")), nil
}
