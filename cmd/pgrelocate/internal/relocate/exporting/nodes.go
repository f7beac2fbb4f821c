package exporting

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/pulling"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/nodes"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// NodesOptions are what configuring nodes takes besides the settings.
type NodesOptions struct {
	Kind nodes.Kind
	// Lock is a file with a lock, which counts instead of the selection; empty is none.
	Lock string
	// Into is the folder that the files go to; empty leaves them to who asked.
	Into string
	// Overwrite lets files be replaced there.
	Overwrite bool
	// AskVendor lets nodes ask the vendor for what the private registry lacks.
	AskVendor bool
	// WithLogin writes the login too where the kind has a file for it. It needs Into.
	WithLogin bool
	// PullCredentials are as in pulling.SecretOptions.
	PullCredentials *pulling.Credentials
}

// NodeFiles are what nodes need.
type NodeFiles struct {
	Files []nodes.File
	// Hosts are the vendors' registries that nodes are led away from.
	Hosts []string
	// PlainHTTP says that the private registry is reached without TLS; Assumed, that nobody has said whether it is.
	PlainHTTP, Assumed bool
	// Written are the names of the files that were written.
	Written []string
}

// Nodes makes the configuration with which nodes take what was relocated from the private
// registry, by the vendor's names. No registry is asked.
func Nodes(ctx context.Context, s *relocate.Session, opts NodesOptions) (*NodeFiles, error) {
	n := &nodesMaking{Session: s, opts: opts, made: &NodeFiles{}}
	err := relocate.Run(ctx, n.choose, n.trust, n.findLogin, n.make, n.claim, n.write)
	return n.made, err
}

// nodesMaking is a run of Nodes that is under way.
type nodesMaking struct {
	*relocate.Session
	opts      NodesOptions
	how       nodes.Options
	artifacts []versions.Artifact
	made      *NodeFiles
}

func (n *nodesMaking) choose(ctx context.Context) (err error) {
	if n.opts.Lock != "" {
		n.artifacts, err = locked(ctx, n.Session, n.opts.Lock)
		return err
	}
	n.artifacts, err = n.ArtifactsAtVendor()
	return err
}

// locked are the artifacts of a lock, in the private registry.
func locked(ctx context.Context, s *relocate.Session, file string) ([]versions.Artifact, error) {
	found, err := bundle.ReadLock(ctx, file)
	if err != nil {
		return nil, exit.Misread(err)
	}
	return found.ArtifactsFor(s.Config.Registry), nil
}

// trust takes the authorities of the settings for the nodes' too, and the scheme that the program would take.
func (n *nodesMaking) trust(context.Context) (err error) {
	n.how.AskVendor = n.opts.AskVendor
	if err := n.Config.CheckAuthorities(); err != nil {
		return err
	}
	if n.how.PlainHTTP, err = n.Clients.PlainTarget(); err != nil {
		return err
	}
	n.made.PlainHTTP, n.made.Assumed = n.how.PlainHTTP, !n.Config.PlainHTTP && n.Config.CAFile == ""
	if n.Config.CAFile == "" {
		return nil
	}
	n.how.Authority, err = files.ReadRegular(n.Config.CAFile, largestAuthority)
	return err
}

// largestAuthority is more than all authorities of the world take.
const largestAuthority = 4 << 20

func (n *nodesMaking) findLogin(ctx context.Context) error {
	if !n.opts.WithLogin {
		return nil
	}
	login, err := pulling.LoginFor(ctx, n.Session, n.opts.PullCredentials)
	if err != nil {
		return err
	}
	if login.IsZero() {
		return &exit.UsageError{Err: &pulling.NoCredentialsError{Host: n.Config.Registry.Host}}
	}
	pulling.TellLifetime(n.Session, login.Login)
	n.how.Login = &nodes.Login{Username: login.Username, Password: login.Password}
	return nil
}

func (n *nodesMaking) make(context.Context) error {
	rules, err := nodes.Rules(n.artifacts)
	if err != nil {
		return &exit.UsageError{Err: err}
	}
	if n.made.Files, err = nodes.Files(n.opts.Kind, rules, n.how); err != nil {
		return &exit.UsageError{Err: err}
	}
	n.made.Hosts = nodes.Hosts(rules)
	return nil
}

// claim finds out whether all files can be written.
func (n *nodesMaking) claim(context.Context) error {
	if n.opts.Into == "" {
		return nil
	}
	for _, file := range n.made.Files {
		err := files.CheckBelow(n.opts.Into, n.name(file))
		if err == nil {
			err = files.CheckFree(n.name(file), n.opts.Overwrite)
		}
		if err != nil {
			return exit.Misnamed(fmt.Errorf("writing what nodes need: %w", err))
		}
	}
	return nil
}

func (n *nodesMaking) name(file nodes.File) string {
	return filepath.Join(n.opts.Into, filepath.FromSlash(file.Path))
}

func (n *nodesMaking) write(context.Context) error {
	if n.opts.Into == "" {
		return nil
	}
	for _, file := range n.made.Files {
		name, mode := n.name(file), fs.FileMode(0o644)
		if file.Secret {
			mode = 0o600
		}
		err := os.MkdirAll(filepath.Dir(name), 0o755)
		if err == nil {
			err = files.Write(name, file.Body, mode, n.opts.Overwrite)
		}
		if err != nil {
			return fmt.Errorf("writing what nodes need: %w", err)
		}
		n.made.Written = append(n.made.Written, name)
	}
	return nil
}
