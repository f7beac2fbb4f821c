// Package relocate holds what the program does, between the commands and the libraries. New opens a
// Session for one run of the program: its settings, catalogue and clients. The packages below hold
// the use cases, one a file, each a list of steps in the order in which they happen: copying,
// inventory, discovery, installing and charts.
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
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/install"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/secrets"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/catalogue"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
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
	// HooksOf are those for one of several private registries; nil takes Hooks for all.
	HooksOf func(ref.Folder) Hooks
}

// Hooks are told how a use case goes. Each may be nil.
type Hooks struct {
	// Note tells what is being done, Detail what only a curious user wants to know, Warn what
	// is probably wrong. They may be called from several goroutines at once.
	Note, Detail, Warn func(text string)
	// Progress shows a meter until the function that it returns is called.
	Progress func(*registry.Meter) (stop func())
	// Planned is told what a copy has to move, before it does.
	Planned func(artifacts int, bytes int64)
	// Expires is told of logins that seem to expire, and when.
	Expires func(side registry.Side, host string, at time.Time)
	// Outage is told of registries that fail, and of their recovery, from several goroutines at
	// once: see registry.Outage.
	Outage func(registry.Outage)
	// Moved is told of each artifact that a copy is done with, from one goroutine at a time.
	Moved func(transfer.Result)
	// Over is told that all is done for one of several private registries.
	Over func()
	// Install is told how an installation goes.
	Install install.Hooks
}

// Session carries out use cases with one set of settings. Use New, and Close at the end.
type Session struct {
	// Clients are the clients of the run's registries.
	Clients *Clients

	// Config are the settings.
	Config *config.Config
	// Options are those of New.
	Options   Options
	catalogue func() (*versions.Catalogue, error)
	// AnnounceCluster says, once, which of the cluster's settings are from the folder's file.
	AnnounceCluster func()
	// learned is the catalogue with what was found at the source; nil where nothing was.
	learned *versions.Catalogue
	// Told are the warnings, and what else is said, that are given once.
	Told *sync.Map
}

// New returns a session with the settings. It reads and sends nothing yet.
func New(cfg *config.Config, opts Options) *Session {
	s := &Session{Config: cfg, Options: opts, Told: new(sync.Map)}
	s.Clients = newClients(cfg, opts.UserAgent, func(line string) { s.Detail("%s", line) }, func(line string) { s.Warn(line) })
	s.Clients.secrets = opts.Secrets
	s.Clients.expires = opts.Hooks.Expires
	s.Clients.fromFolder, s.Clients.outage = opts.FromFolder, opts.Hooks.Outage
	s.Clients.announce = s.announcing(config.Trusting) // before the first request
	s.AnnounceCluster = s.announcing(config.TrustingCluster)
	s.catalogue = sync.OnceValues(func() (*versions.Catalogue, error) {
		catalogue, err := catalogue.Load(cfg.Catalogues...)
		if err != nil {
			return nil, &exit.UsageError{Err: err}
		}
		return catalogue, nil
	})
	return s
}

// For is the session for one of several private registries. It has the sources in common with s, which
// closes what it opens.
func (s *Session) For(to ref.Folder) *Session {
	cfg, fork := *s.Config, *s
	cfg.Registry, cfg.Others = to, nil
	fork.Config = &cfg
	if s.Options.HooksOf != nil {
		fork.Options.Hooks = s.Options.HooksOf(to)
	}
	fork.Clients = s.Clients.forTarget(&cfg, func(line string) { fork.Detail("%s", line) }, func(line string) { fork.Warn(line) }, fork.Options.Hooks)
	return &fork
}

// LearnFrom goes on with the catalogue that another session has come to.
func (s *Session) LearnFrom(other *Session) { s.learned = other.learned }

// announcing returns what says, once, which of the settings the file in the working directory has
// chosen.
func (s *Session) announcing(settings []string) func() {
	return sync.OnceFunc(func() {
		var chosen []string
		for _, setting := range settings {
			if slices.Contains(s.Options.FromFolder, setting) {
				chosen = append(chosen, setting)
			}
		}
		if len(chosen) > 0 {
			s.Warn(fmt.Sprintf("%s in this folder sets %s", config.LocalFile, strings.Join(chosen, ", ")))
		}
	})
}

// Close closes the connections that are kept.
func (s *Session) Close() { s.Clients.close() }

// Run does steps one after the other, until one fails or ctx ends.
func Run(ctx context.Context, steps ...func(context.Context) error) error {
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

// Note tells what is being done.
func (s *Session) Note(format string, args ...any) { tell(s.Options.Hooks.Note, format, args) }

// noteOnce tells what is worth knowing, where it was not told yet.
func (s *Session) noteOnce(texts []string) {
	for _, text := range texts {
		if _, told := s.Told.LoadOrStore(text, true); !told {
			s.Note("%s", text)
		}
	}
}

// Detail tells what only a curious user wants to know.
func (s *Session) Detail(format string, args ...any) { tell(s.Options.Hooks.Detail, format, args) }

// Warn tells what is probably wrong.
func (s *Session) Warn(texts ...string) {
	for _, text := range texts {
		tell(s.Options.Hooks.Warn, "%s", []any{text})
	}
}

func tell(hook func(string), format string, args []any) {
	if hook != nil {
		hook(fmt.Sprintf(format, args...))
	}
}

// Progress shows a meter until the function that it returns is called.
func (s *Session) Progress(meter *registry.Meter) (stop func()) {
	if s.Options.Hooks.Progress == nil {
		return func() {}
	}
	return s.Options.Hooks.Progress(meter)
}
