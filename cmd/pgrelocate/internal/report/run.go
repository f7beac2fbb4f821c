package report

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Options are what a Run is about, and where it writes.
type Options struct {
	// Command is what is run, "copy", and Version that of the program.
	Command, Version string
	// Product and Registry tell runs apart that have the same command.
	Product, Registry string
	// Events, Metrics, Summary and JUnit are files; empty for none. Events may be "-" for Stdout, a
	// pipe or a device.
	Events, Metrics, Summary, JUnit string
	// Status is written in place, for it may be a container's termination log.
	Status string
	// AppendSummary adds to a summary that is there, whoever wrote it: several steps of one job
	// share one.
	AppendSummary bool
	Stdout        io.Writer
	// Hide takes out of a text what nobody may see.
	Hide func(string) string
	// Now is time.Now but in tests.
	Now func() time.Time
}

// Run is a run that is reported. Its methods may be called from several goroutines at once, and
// do nothing for nil.
type Run struct {
	opts    Options
	started time.Time
	events  *stream

	mu       sync.Mutex
	account  *Account
	told     map[string]bool // the items that an event has told of
	expiries []expiry
	over     time.Time // zero until the run has ended
}

// Open begins a run. It fails before anything is done where a file cannot be written, or is
// somebody else's.
func Open(ctx context.Context, opts Options) (*Run, error) {
	runs, err := OpenEach(ctx, opts, []string{opts.Registry})
	if err != nil {
		return nil, err
	}
	return runs[0], nil
}

// OpenEach begins a run for each of several registries, which share the files. Finish them together:
// see FinishEach.
func OpenEach(ctx context.Context, opts Options, registries []string) ([]*Run, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	for _, err := range []error{
		claim("metrics", opts.Metrics, isMetrics), claim("junit", opts.JUnit, isJUnit), claimSummary(opts), claimStatus(opts.Status),
	} {
		if err != nil {
			return nil, &exit.UsageError{Err: err}
		}
	}
	started := opts.Now()
	events, err := openStream(ctx, opts, started)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, &exit.UsageError{Err: err}
	}
	var runs []*Run
	for i, registry := range registries {
		opts.Registry = registry
		r := &Run{opts: opts, started: started.Add(time.Duration(i)), told: map[string]bool{}} // no two runs begin at once
		r.events = events.beside(opts, r.started)
		r.events.send(func(e Envelope) any {
			return Started{e, opts.Command, opts.Version, opts.Product, opts.Registry}
		}, "started")
		runs = append(runs, r)
	}
	return runs, nil
}

// Began is when the run began.
func (r *Run) Began() time.Time { return r.started }

// Take takes the account of what was done, once it is known.
func (r *Run) Take(account Account) {
	if r == nil {
		return
	}
	account.Items = slices.Clone(account.Items)
	for i := range account.Items {
		account.Items[i] = r.hidden(account.Items[i])
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.account = &account
}

// hidden is an item without what nobody may see.
func (r *Run) hidden(item Item) Item {
	item.Name, item.Source, item.Reason = r.hide(item.Name), r.hide(item.Source), r.hide(item.Reason)
	return item
}

func (r *Run) hide(text string) string {
	if r.opts.Hide != nil {
		text = r.opts.Hide(text)
	}
	return terminal.Plain(text)
}

// Expires says when a login to a registry seems to expire.
func (r *Run) Expires(side registry.Side, host string, at time.Time) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, known := range r.expiries {
		if known.side == side && known.host == host {
			if at.Before(known.at) {
				r.expiries[i].at = at
			}
			return
		}
	}
	r.expiries = append(r.expiries, expiry{side, host, at})
}

// Over says that the run has ended, where others that it shares its files with go on.
func (r *Run) Over() {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.over = r.opts.Now()
}

// Finish writes the reports. Its error is an *exit.ReportError; it is nil where all were written.
func (r *Run) Finish(ending Ending) error {
	if r == nil {
		return nil
	}
	return FinishEach([]*Run{r}, []Ending{ending})
}

// FinishEach is Finish for all runs that OpenEach has begun, each with its own ending.
func FinishEach(runs []*Run, endings []Ending) error {
	all := make([]*outcome, len(runs))
	for i, r := range runs {
		all[i] = r.outcome(endings[i])
		for _, item := range all[i].Items {
			r.Item(item)
		}
	}
	opts, events := runs[0].opts, runs[0].events
	errs := []error{
		write("junit", opts.JUnit, isJUnit, func() ([]byte, error) { return junit(all) }),
		writeSummary(all),
	}
	// The metrics come last: they say that all went well.
	unreported := func(err error) {
		for _, o := range all {
			if err != nil && o.code == exit.OK {
				o.code = exit.Unreported
			}
		}
	}
	unreported(errors.Join(append(errs, events.failed())...))
	errs = append(errs, writeMetrics(all))
	unreported(errs[len(errs)-1])
	if opts.Status != "" { // it has room for one
		errs = append(errs, writeStatus(all[0]))
	}
	for i, o := range all {
		runs[i].events.send(func(e Envelope) any { return finished(e, o) }, "finished")
	}
	return reportError(append(errs, events.close()))
}

func reportError(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return &exit.ReportError{Errs: errs}
}

// outcome is what there is to tell.
func (r *Run) outcome(ending Ending) *outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	o := &outcome{Options: r.opts, started: r.started, ended: r.opts.Now(), code: ending.Code, hint: r.hide(ending.Hint), expiries: r.expiries}
	if !r.over.IsZero() {
		o.ended = r.over
	}
	if ending.Err != nil {
		o.text = r.hide(ending.Err.Error())
	}
	if r.account != nil {
		o.Account = *r.account
	}
	o.Items = append(o.Items, r.failures(o.Items, ending.Err)...)
	return o
}

// failures are what err names one by one, and no item does: a run that ended early has no account.
func (r *Run) failures(known []Item, err error) []Item {
	var partial *exit.PartialError
	if len(known) > 0 || !errors.As(err, &partial) {
		return nil
	}
	var items []Item
	for _, failed := range partial.Errors {
		item := Item{Kind: "artifact", Name: failed.Error(), Result: "failed", Bad: true, Reason: failed.Error()}
		var named interface{ Reference() string }
		if errors.As(failed, &named) {
			item.Name = named.Reference()
		}
		items = append(items, r.hidden(item))
	}
	return items
}
