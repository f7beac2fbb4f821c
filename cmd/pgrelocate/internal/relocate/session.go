// Package relocate holds what the program does, between the commands and the libraries: a use
// case a file, each a list of steps in the order in which they happen. New opens a Session for
// one run of the program; its methods are the use cases.
//
// Everything comes in as values, and goes out as values and errors. What is told on the way
// goes to Hooks. Nothing here knows flags or prints.
package relocate

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Options steer New.
type Options struct {
	// UserAgent is what registries and clusters see of the program.
	UserAgent string
	// FromFolder are the settings that a file in the working directory chose, which the user
	// has not named: see config.Loader.FromFolder.
	FromFolder []string
	// Confinement is what charts are rendered in.
	Confinement chart.Confinement
	// Secrets get to know every password and token of the run; nil keeps them to the clients.
	Secrets *secrets.Set
	Hooks   Hooks
}

// Hooks are told how a use case goes. Each may be nil.
type Hooks struct {
	// Note tells what is being done, Detail what only a curious user wants to know, Warn what
	// is probably wrong. They may be called from several goroutines at once.
	Note, Detail, Warn func(text string)
	// Progress shows a meter until the function that it returns is called.
	Progress func(*registry.Meter) (stop func())
	// Outage is told of registries that fail, and of their recovery, from several goroutines at
	// once: see registry.Outage.
	Outage func(registry.Outage)
	// Moved is told of each artifact that a copy is done with, from one goroutine at a time.
	Moved func(transfer.Result)
	// Install is told how an installation goes.
	Install install.Hooks
}

// Session carries out use cases with one set of settings. Use New, and Close at the end.
type Session struct {
	// Clients are the clients of the run's registries.
	Clients *Clients

	cfg       *config.Config
	opts      Options
	catalogue func() (*versions.Catalogue, error)
	// announceCluster says, once, which of the cluster's settings are from the folder's file.
	announceCluster func()
	// learned is the catalogue with what was found at the source; nil where nothing was.
	learned *versions.Catalogue
	// told are the warnings that are given once.
	told *sync.Map
}

// New returns a session with the settings. It reads and sends nothing yet.
func New(cfg *config.Config, opts Options) *Session {
	s := &Session{cfg: cfg, opts: opts, told: new(sync.Map)}
	s.Clients = newClients(cfg, opts.UserAgent, func(line string) { s.detail("%s", line) }, func(line string) { s.warn(line) })
	s.Clients.secrets = opts.Secrets
	s.Clients.fromFolder, s.Clients.outage = opts.FromFolder, opts.Hooks.Outage
	s.Clients.announce = s.announcing(config.Trusting) // before the first request
	s.announceCluster = s.announcing(config.TrustingCluster)
	s.catalogue = sync.OnceValues(func() (*versions.Catalogue, error) {
		catalogue, err := versions.Load(cfg.Catalogues...)
		if err != nil {
			return nil, &exit.UsageError{Err: err}
		}
		return catalogue, nil
	})
	return s
}

// announcing returns what says, once, which of the settings the file in the working directory has
// chosen.
func (s *Session) announcing(settings []string) func() {
	return sync.OnceFunc(func() {
		var chosen []string
		for _, setting := range settings {
			if slices.Contains(s.opts.FromFolder, setting) {
				chosen = append(chosen, setting)
			}
		}
		if len(chosen) > 0 {
			s.warn(fmt.Sprintf("%s in this folder sets %s", config.LocalFile, strings.Join(chosen, ", ")))
		}
	})
}

// Close closes the connections that are kept.
func (s *Session) Close() { s.Clients.close() }

// run does steps one after the other, until one fails or ctx ends.
func run(ctx context.Context, steps ...func(context.Context) error) error {
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

func (s *Session) note(format string, args ...any)   { tell(s.opts.Hooks.Note, format, args) }
func (s *Session) detail(format string, args ...any) { tell(s.opts.Hooks.Detail, format, args) }

func (s *Session) warn(texts ...string) {
	for _, text := range texts {
		tell(s.opts.Hooks.Warn, "%s", []any{text})
	}
}

func tell(hook func(string), format string, args []any) {
	if hook != nil {
		hook(fmt.Sprintf(format, args...))
	}
}

// progress shows a meter until the function that it returns is called.
func (s *Session) progress(meter *registry.Meter) (stop func()) {
	if s.opts.Hooks.Progress == nil {
		return func() {}
	}
	return s.opts.Hooks.Progress(meter)
}
