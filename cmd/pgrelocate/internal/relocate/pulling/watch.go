package pulling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/internal/install/cluster/pullsecret"
)

// WatchOptions are what keeping pull secrets takes besides SecretOptions, whose Namespaces and
// Credentials do not count.
type WatchOptions struct {
	// Selector chooses namespaces by their labels.
	Selector string
	// Every is how often credentials are read again, and every secret held against them, when
	// nothing happens.
	Every time.Duration
	// Once goes through the namespaces that there are, and ends; what fails is an error then.
	Once bool
	// Credentials reads those that go into the cluster, anew each time; nil is none, as in
	// SecretOptions.
	Credentials func(context.Context) (*Credentials, error)
}

// Watch gives namespaces their pull secret as they come, and renews it as credentials
// change, until ctx ends. Done is told what became of secrets that were changed. What fails later
// than the credentials at the beginning is warned of, and tried again.
func Watch(ctx context.Context, s *relocate.Session, opts SecretOptions, watch WatchOptions, done func([]pullsecret.Result)) error {
	w := &secretWatching{secretMaking: secretMaking{Session: s, SecretOptions: opts}, watch: watch, done: done}
	if err := relocate.Run(ctx, w.choosePlace, w.chooseVendors, w.renew, w.connect); err != nil {
		return err
	}
	if watch.Once {
		names, err := w.cluster.NamespacesWith(ctx, watch.Selector)
		if err != nil {
			return err
		}
		return w.all(ctx, names, nil)
	}
	w.cluster.EachNamespace(ctx, watch.Selector, watch.Every, func(names []string) { w.round(ctx, names) }, w.failed)
	return context.Cause(ctx)
}

// secretWatching is a run of Watch that is under way.
type secretWatching struct {
	secretMaking
	watch WatchOptions
	done  func([]pullsecret.Result)
	last  string // failure that was told
}

// renew reads the credentials, and tries them where they are others than before: what the
// registry refuses takes the place of nothing.
func (w *secretWatching) renew(ctx context.Context) error {
	given, err := w.watch.Credentials(ctx)
	if err != nil {
		return err
	}
	next := w.secretMaking
	next.Credentials = given
	if err := next.findCredentials(ctx); err != nil {
		return err
	}
	if next.login == w.login {
		return nil
	}
	if err := next.tryCredentials(ctx); err != nil {
		return err
	}
	w.login = next.login
	return nil
}

// round goes through all namespaces. A secret that is right stays as it is.
func (w *secretWatching) round(ctx context.Context, names []string) {
	if err := w.all(ctx, names, w.renew(ctx)); ctx.Err() == nil {
		w.failed(err)
	}
}

// all gives namespaces their secrets. The error holds what failed before, too.
func (w *secretWatching) all(ctx context.Context, names []string, before error) error {
	failures := []error{before}
	var changed []pullsecret.Result
	for _, name := range names {
		result, err := pullsecret.Apply(ctx, w.cluster, w.secretIn(name))
		switch {
		case err != nil:
			failures = append(failures, err)
		case result.Change != pullsecret.Unchanged:
			changed = append(changed, result)
		}
	}
	if len(changed) > 0 {
		w.done(changed)
	}
	return errors.Join(failures...)
}

// failed warns of what has not been told the last time.
func (w *secretWatching) failed(err error) {
	text := ""
	if err != nil {
		text = fmt.Sprintf("%v; it is tried again", err)
	}
	if text != "" && text != w.last {
		w.Warn(text)
	}
	w.last = text
}
