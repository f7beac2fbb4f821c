package relocate

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
)

// StrangerError says that a login would go where only a file in the working directory sends it, or
// that this file alone names a kubeconfig.
type StrangerError struct {
	// Host would receive the login, and is empty where none is; Setting is what the file sets.
	Host, Setting string
}

// Error says so.
func (e *StrangerError) Error() string {
	if e.Host == "" {
		return fmt.Sprintf("only %s in this folder names the %s, which can have programs run", config.LocalFile, e.Setting)
	}
	return fmt.Sprintf("no login is sent to %s: only %s in this folder asks for that, with %q", e.Host, config.LocalFile, e.Setting)
}

// MayReceive refuses to send a login from the environment to a host of a side where the host
// comes from a file in the working directory that nobody has named. What docker keeps is for
// the host that somebody logged in to.
func (c *Clients) MayReceive(side registry.Side, host string) error {
	suspects := []string{"registry"}
	if side == registry.SideSource {
		suspects = []string{"source"}
		if c.cfg.Source.IsZero() && !builtinHost(host) {
			suspects = append(suspects, "catalogue")
		}
	}
	for _, setting := range suspects {
		if slices.Contains(c.fromFolder, setting) {
			return &exit.UsageError{Err: &StrangerError{Host: host, Setting: setting}}
		}
	}
	return nil
}

// mayTravelOpen refuses to send any login unencrypted where only such a file allows that.
func (c *Clients) mayTravelOpen(ctx context.Context, side registry.Side, host string, keychain authn.Keychain) error {
	setting := map[registry.Side]string{registry.SideSource: "source-plain-http", registry.SideTarget: "plain-http"}[side]
	resource, err := name.NewRegistry(host)
	if err != nil || !slices.Contains(c.fromFolder, setting) {
		return nil //nolint:nilerr // a name that is wrong is for the client to say
	}
	login, err := authn.Resolve(ctx, keychain, resource)
	if err != nil || login == authn.Anonymous {
		return err
	}
	return &exit.UsageError{Err: &StrangerError{Host: host + " over plain HTTP", Setting: setting}}
}

// builtinHost tells whether the program's own catalogue names a host as a source.
func builtinHost(host string) bool {
	for _, product := range catalogue.Builtin().Products() {
		for _, release := range product.Releases {
			artifacts, err := versions.Select(catalogue.Builtin(), versions.Selection{Product: product.Name, Releases: []string{release.Name}, Whole: true})
			if err != nil {
				continue
			}
			if slices.ContainsFunc(artifacts, func(a versions.Artifact) bool { return a.Source.Host == host }) {
				return true
			}
		}
	}
	return false
}
