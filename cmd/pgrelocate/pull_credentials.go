package main

import (
	"context"
	"io"
	"os"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster"
	"github.com/pgrelocate/pgrelocate/internal/install/verify"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/credentials"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote"
)

// pullFlags say which credentials go into the cluster.
type pullFlags struct{ file string }

func (f *pullFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.file, "pull-credentials-file", "", "give the cluster the credentials in `FILE`, USER:PASSWORD or a docker config; - is standard input")
}

// credentials are those of the file, of PGRELOCATE_PULL_USERNAME and _PASSWORD, or else
// the user's own for the registry.
func (f *pullFlags) credentials(ctx context.Context, a *app, host string) (cluster.Credentials, error) {
	if f.file != "" {
		text, err := f.read(a)
		if err != nil {
			return cluster.Credentials{}, err
		}
		return cluster.ParseCredentials(text, host)
	}
	given, err := credentials.FromEnvironment("PGRELOCATE_PULL")
	if err != nil {
		return given, &exit.UsageError{Err: err}
	}
	if !given.IsZero() {
		return given, nil
	}
	return ownCredentials(ctx, host)
}

func (f *pullFlags) read(a *app) (string, error) {
	if f.file == "-" {
		return readAll(a.In)
	}
	file, err := os.Open(f.file)
	if err != nil {
		return "", &exit.UsageError{Err: err}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, longestSecret))
	return string(text), err
}

// ownCredentials are those with which the user reaches the private registry.
func ownCredentials(ctx context.Context, host string) (cluster.Credentials, error) {
	given, err := credentials.FromEnvironment("PGRELOCATE_REGISTRY")
	if err != nil {
		return given, &exit.UsageError{Err: err}
	}
	resource, err := name.NewRegistry(host)
	if err != nil {
		return given, err
	}
	found, err := authn.Resolve(ctx, credentials.Keychain(host, given), resource)
	if err != nil {
		return given, err
	}
	login, err := found.Authorization()
	if err != nil {
		return given, err
	}
	return cluster.CredentialsFrom(*login)
}

// dial opens the private registry with credentials that are not the user's own.
func (r *registries) dial(host string, login cluster.Credentials) (verify.Puller, error) {
	return remote.New(host, remote.Options{
		Side:         registry.SideTarget,
		Keychain:     onlyLogin{host, login},
		PlainHTTP:    r.cfg.PlainHTTP,
		CAFile:       r.cfg.CAFile,
		Jobs:         r.cfg.Jobs,
		StallTimeout: r.cfg.StallTimeout,
		RetryTimeout: r.cfg.RetryTimeout,
		UserAgent:    userAgent(),
		Notice:       r.notice,
	})
}

// onlyLogin presents one login to one host, and never what a docker config has.
type onlyLogin struct {
	host  string
	login cluster.Credentials
}

// Resolve implements authn.Keychain.
func (k onlyLogin) Resolve(resource authn.Resource) (authn.Authenticator, error) {
	if resource.RegistryStr() != k.host {
		return authn.Anonymous, nil
	}
	return k.login.Authenticator(), nil
}
