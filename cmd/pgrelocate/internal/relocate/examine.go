package relocate

import (
	"context"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// examinePatience is how long a request is tried again for somebody who wants to see what is wrong.
const examinePatience = 3 * time.Second

// Examining is a client for whoever looks for what is wrong with a registry: with the user's own
// login, which is returned too, a short patience, and an ear for every answer. Of the source's hosts
// owner is as for Source.
func (c *Clients) Examining(ctx context.Context, side registry.Side, host, owner string, observe func(remote.Exchange)) (*remote.Client, credentials.Login, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	opts, err := c.ownLogin(ctx, side, host, owner, remote.Options{RetryTimeout: examinePatience, Observe: observe})
	if err != nil {
		return nil, credentials.Login{}, err
	}
	client, err := c.open(ctx, side, host, opts)
	if err != nil {
		return nil, credentials.Login{}, err
	}
	return client, loginOf(ctx, opts.Keychain, host), nil
}

// loginOf is the user and password that a keychain has for a host; zero where it has none of the kind.
func loginOf(ctx context.Context, keychain authn.Keychain, host string) credentials.Login {
	resource, err := name.NewRegistry(host)
	if err != nil {
		return credentials.Login{}
	}
	found, err := authn.Resolve(ctx, keychain, resource)
	if err != nil {
		return credentials.Login{}
	}
	config, err := found.Authorization()
	if err != nil {
		return credentials.Login{}
	}
	login, _ := pullsecret.CredentialsFrom(*config) // one that has no password has none to expire
	return login
}
