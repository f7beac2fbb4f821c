package app

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/advice"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/progress"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/copying"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view/copies"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/transfer"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// takesSeveral marks commands that take several private registries.
const takesSeveral = "several registries"

// TakesSeveral has a command take several private registries.
func TakesSeveral(cmd *cobra.Command) {
	if cmd.Annotations == nil {
		cmd.Annotations = map[string]string{}
	}
	cmd.Annotations[takesSeveral] = "yes"
}

// oneRegistry refuses several private registries where a command takes one.
func oneRegistry(cmd *cobra.Command, cfg *config.Config) error {
	flag := cmd.Flags().Lookup("registry")
	if flag == nil || len(cfg.Others) == 0 || cmd.Annotations[takesSeveral] != "" {
		return nil
	}
	return exit.Usagef("%s is about one private registry, and %d are named: %s", cmd.CommandPath(), len(cfg.Registries()), flag.Value).
		WithHint("--registry names the one, whatever else the settings name; copy, load and plan take several")
}

// forSeveral has what is told of one of several private registries say which, and go to its own report.
func (a *App) forSeveral(cfg *config.Config, opts *relocate.Options) {
	labels := labelsOf(cfg.Registries())
	mode := progress.ModeOf(a.Streams, cfg.Quiet || cfg.NoProgress)
	joint := progress.NewJoint(progress.Share(a.Err), mode, a.Width, labels)
	shared := &opts.Hooks
	shared.Note = func(text string) { a.Note("%s", text); a.toAll(func(r *report.Run) { r.Note(text) }) }
	shared.Warn = func(text string) { a.Warn("%s", text); a.toAll(func(r *report.Run) { r.Warning(text) }) }
	shared.Expires = func(side registry.Side, host string, at time.Time) {
		a.toAll(func(r *report.Run) { r.Expires(side, host, at) })
	}
	shared.Outage = func(o registry.Outage) { a.outages.Tell(o); a.toAll(func(r *report.Run) { r.Outage(o) }) }
	opts.HooksOf = func(of ref.Folder) relocate.Hooks {
		at := slices.Index(cfg.Registries(), of)
		return a.hooksOf(of, labels[at], a.reportOf(at), joint)
	}
}

// hooksOf are the hooks for one of several private registries.
func (a *App) hooksOf(of ref.Folder, label string, own *report.Run, joint *progress.Joint) relocate.Hooks {
	named := func(text string) string {
		if strings.Contains(text, of.Host) {
			return text
		}
		return of.String() + ": " + text
	}
	return relocate.Hooks{
		Note:    func(text string) { a.Note("%s", named(text)); own.Note(text) },
		Detail:  func(text string) { a.Detail("%s", named(text)) },
		Warn:    func(text string) { a.Warn("%s", named(text)); own.Warning(text) },
		Planned: own.Planned,
		Expires: own.Expires,
		Moved:   func(r transfer.Result) { a.moved(r, own) },
		Outage:  func(o registry.Outage) { a.outages.Tell(o); own.Outage(o) },
		Over:    own.Over,
		Progress: func(meter *registry.Meter) func() {
			shown, told := joint.Add(label, meter), own.Progress(meter)
			return func() { shown(); told() }
		},
	}
}

func (a *App) toAll(tell func(*report.Run)) {
	for _, r := range a.reports {
		tell(r)
	}
}

// reportOf is the report of one of several; nil where there are none.
func (a *App) reportOf(at int) *report.Run {
	if at >= len(a.reports) {
		return nil
	}
	return a.reports[at]
}

// labelsOf are short names that tell registries apart: as many words of their hosts as that takes, or
// their folders where they are of one host.
func labelsOf(all []ref.Folder) []string {
	for words := 1; words < mostWords; words++ {
		if labels, distinct := labelled(all, func(r ref.Folder) string { return firstWords(r.Host, words) }); distinct {
			return labels
		}
	}
	for _, shorten := range []func(ref.Folder) string{
		func(r ref.Folder) string { return r.Host },
		func(r ref.Folder) string { return cmp.Or(r.Path, r.Host) },
	} {
		if labels, distinct := labelled(all, shorten); distinct {
			return labels
		}
	}
	labels, _ := labelled(all, ref.Folder.String)
	return labels
}

// mostWords is of how many words a host is taken to be shorter than the whole of it.
const mostWords = 4

// firstWords is the beginning of a host's name; all of it where it is an address, of which a part would
// be a figure beside others.
func firstWords(host string, words int) string {
	name, _, _ := strings.Cut(host, ":")
	if _, err := netip.ParseAddr(name); err == nil || strings.HasPrefix(host, "[") {
		return host
	}
	all := strings.Split(host, ".")
	return strings.Join(all[:min(words, len(all))], ".")
}

// labelled are all registries shortened, and whether no two are the same then.
func labelled(all []ref.Folder, shorten func(ref.Folder) string) (labels []string, distinct bool) {
	for _, r := range all {
		labels = append(labels, shorten(r))
	}
	return labels, len(slices.Compact(slices.Sorted(slices.Values(labels)))) == len(labels)
}

// AccountEach says what a copy or a load to several private registries did, and what ended it for each.
func (a *App) AccountEach(ctx context.Context, cfg *config.Config, s *relocate.Session, several *copying.Several, err error) error {
	if several == nil {
		return err
	}
	made := copies.NewCopies(several)
	for i, account := range made.Accounts() {
		a.reportOf(i).Take(account)
	}
	if err := a.Print(cfg, made); err != nil {
		return err
	}
	copied := false
	for _, t := range several.Targets {
		a.tellTarget(ctx, t)
		copied = copied || t.Copied != nil && t.Copied.Copied > 0
	}
	if copied {
		a.Notice(s)
	}
	if ctx.Err() != nil {
		a.Note("what is complete stays; run the same command again to carry on")
	}
	return several.Err()
}

// ShowPlannedEach says what a copy or a load to several private registries would do.
func (a *App) ShowPlannedEach(ctx context.Context, cfg *config.Config, several *copying.Several, err error) error {
	if err != nil {
		return err
	}
	if err := a.Print(cfg, copies.NewPlans(several)); err != nil {
		return err
	}
	for _, t := range several.Targets {
		a.tellTarget(ctx, t)
	}
	return several.Err()
}

// tellTarget shows what went wrong with one of several private registries, with its hint.
func (a *App) tellTarget(ctx context.Context, t copying.Target) {
	if t.Err == nil || exit.Code(t.Err) == exit.Interrupted {
		return
	}
	err := cause(ctx, t.Err)
	a.ListFailures(err)
	a.Say(terminal.Red, "error: ", "%s: %v", t.Registry, err)
	if hint := advice.For(err); hint != "" {
		a.Say(terminal.Cyan, "hint: ", "%s", hint)
	}
}
