// Package picturing holds the use case that looks at a mirror from all sides that it is asked to, for
// people who want to see how it stands.
package picturing

import (
	"context"
	"errors"
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/discovery"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/locking"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/reaching"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/report"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/postgres"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options say what to look at besides the private registry and the lock.
type Options struct {
	// Discover asks the source what it has.
	Discover bool
	// InUse asks the cluster at Destination what it refers to.
	InUse       bool
	Destination reaching.Destination
	// Runs is a file of events or metrics; empty for none.
	Runs string
}

// Picture is a mirror as it was seen. What nobody looked at is nil.
type Picture struct {
	Product *versions.Product
	// Items are in the order of relocate.Order.
	Items []Item
	// Checked says that all layers were looked for, and not tags alone.
	Checked bool
	// Lock is what the registry was held against, and LockPath its file; nil and empty where there is none.
	Lock     *lock.Lock
	LockPath string
	// LeftOut are how many artifacts the lock has besides, that were not asked for.
	LeftOut int
	// Vendor is what the source has.
	Vendor *discovery.Discovery
	// Cluster is the cluster that was asked, where one was.
	Cluster      string
	ClusterAsked bool
	// Runs are those of this product and registry, the newest last; OtherRuns is how many more the
	// file tells of.
	Runs      []report.Past
	OtherRuns int
	RunsAsked bool
}

// Unknown is an *exit.PartialError of what the registry did not tell; nil where it told of all.
func (p *Picture) Unknown() error {
	hidden := &exit.PartialError{Thing: "lookups", Total: len(p.Items)}
	for _, item := range p.Items {
		if item.Answer.Presence == holdings.Unknown {
			hidden.Errors = append(hidden.Errors, item.Answer.Err)
		}
	}
	if len(hidden.Errors) == 0 {
		return nil
	}
	return hidden
}

// Condition is how an artifact stands.
type Condition string

// The states.
const (
	Mirrored Condition = "mirrored"
	// Missing is what the lock has, or was asked for by its release where there is no lock, and is not
	// there; NotMirrored is what nobody has put there.
	Missing     Condition = "missing"
	NotMirrored Condition = "not mirrored"
	// Drifted is another digest than the lock has.
	Drifted Condition = "drifted"
	// Damaged is a tag that is there, and lacks content.
	Damaged Condition = "damaged"
	// Unknown is what the registry did not say.
	Unknown Condition = "unknown"
)

// Item is an artifact, and how it stands.
type Item struct {
	versions.Artifact
	State  Condition
	Answer holdings.Answer
	// Locked is what the lock has of it; nil where that has nothing.
	Locked *lock.Artifact
	// UsedBy is what in the cluster refers to it; empty where nothing does, or none was asked.
	UsedBy string
}

// Draw looks at the mirror: at every known release, and at all that the lock has, where the settings
// select nothing.
func Draw(ctx context.Context, s *relocate.Session, opts Options) (*Picture, error) {
	d := &drawing{Session: s, Options: opts}
	err := relocate.Run(ctx,
		d.readRuns, // what a file tells of
		d.readLock, // what should be there
		d.discover, // what the vendor has
		d.learn,    // a release that the catalogue lacks
		d.choose,   // what to look for
		d.ask,      // what is there
		d.askCluster,
	)
	if err != nil {
		return nil, err
	}
	return &d.made, nil
}

// drawing is a Draw that is under way.
type drawing struct {
	*relocate.Session
	Options
	made Picture
	// named says that the settings name releases.
	named bool
}

func (d *drawing) readRuns(context.Context) error {
	if d.Runs == "" {
		return nil
	}
	runs, err := report.ReadPast(d.Runs)
	switch {
	case errors.Is(err, report.ErrNoReport):
		return &exit.UsageError{Err: err}
	case err != nil:
		return exit.Misnamed(err)
	}
	d.made.RunsAsked = true
	for _, run := range runs {
		if run.Product == d.Config.Product && run.Registry == d.Config.Registry.String() {
			d.made.Runs = append(d.made.Runs, run)
		} else {
			d.made.OtherRuns++
		}
	}
	return nil
}

func (d *drawing) readLock(ctx context.Context) error {
	file, err := locking.Open(ctx, d.Session, locking.Read, false)
	var wrong *locking.LockError
	if errors.As(err, &wrong) {
		wrong.NotOurs = false // nobody wants to replace it
	}
	if err != nil {
		return err
	}
	if file.Was == nil && d.Config.Lock != "" && d.Config.Lock != config.NoLock {
		return &exit.UsageError{Err: &locking.LockError{Path: file.Path, Err: locking.ErrNoLock}}
	}
	if file.Was != nil {
		d.made.Lock, d.made.LockPath = file.Was, file.Path
	}
	return nil
}

func (d *drawing) discover(ctx context.Context) (err error) {
	if d.Discover {
		d.made.Vendor, err = discovery.Discover(ctx, d.Session)
	}
	return err
}

func (d *drawing) learn(ctx context.Context) (err error) {
	d.named = len(d.Config.Releases) > 0
	if err = discovery.LearnMirrored(ctx, d.Session); err != nil {
		return err
	}
	if d.made.Product, err = d.Product(); err != nil || d.named {
		return err
	}
	for _, release := range d.made.Product.Releases {
		d.Config.Releases = append(d.Config.Releases, release.Name)
	}
	return nil
}

// choose collects what is selected and, where nothing in particular is, the rest of the lock.
func (d *drawing) choose(context.Context) error {
	selected, err := d.Artifacts(d.Config.Registry)
	if err != nil {
		return err
	}
	var locked []versions.Artifact
	if d.made.Lock != nil {
		locked = d.made.Lock.ArtifactsFor(d.Config.Registry)
	}
	at := map[ref.Reference]*lock.Artifact{}
	for i, a := range locked {
		at[a.Target] = &d.made.Lock.Artifacts[i]
	}
	seen := map[ref.Reference]bool{}
	for _, a := range selected {
		seen[a.Target] = true
		d.made.Items = append(d.made.Items, Item{Artifact: a, Locked: at[a.Target]})
	}
	for _, a := range locked {
		switch {
		case seen[a.Target]:
		case d.selects():
			d.made.LeftOut++
		default:
			d.made.Items = append(d.made.Items, Item{Artifact: a, Locked: at[a.Target]})
		}
	}
	slices.SortStableFunc(d.made.Items, func(a, b Item) int { return relocate.Order(a.Artifact, b.Artifact) })
	return nil
}

// selects tells whether the settings want something in particular.
func (d *drawing) selects() bool {
	c := d.Config
	return d.named || c.Versions.String() != postgres.Expression{}.String() || len(c.Editions)+len(c.Extras)+len(c.Axes) > 0
}

func (d *drawing) ask(ctx context.Context) error {
	private, err := d.Clients.Target(ctx, false)
	if err != nil {
		return err
	}
	artifacts := make([]versions.Artifact, len(d.made.Items))
	questions := make([]holdings.Question, len(d.made.Items))
	for i, item := range d.made.Items {
		artifacts[i], questions[i].Ref = item.Artifact, item.Target
		if item.Locked != nil {
			questions[i].Want = item.Locked.Digest.String()
		}
	}
	private.Prepare(relocate.Repositories(artifacts))
	ask := func() ([]holdings.Answer, error) { return holdings.Ask(ctx, private, questions) }
	if d.made.Checked = d.Config.Check; d.made.Checked {
		inspector := d.Inspector(private)
		if d.made.Lock != nil {
			inspector.Named = d.made.Lock.Attached(d.Config.Registry)
		}
		ask = func() ([]holdings.Answer, error) { return inspector.Ask(ctx, questions) }
	}
	answers, err := ask()
	if err != nil {
		return exit.Unanswered(err)
	}
	for i := range answers {
		d.made.Items[i].Answer = answers[i]
		d.made.Items[i].State = d.stateOf(d.made.Items[i])
	}
	return nil
}

// stateOf puts an answer into the words of the picture.
func (d *drawing) stateOf(item Item) Condition {
	switch item.Answer.Presence {
	case holdings.Present:
		return Mirrored
	case holdings.Differs:
		return Drifted
	case holdings.Damaged:
		return Damaged
	case holdings.Missing:
		if item.Locked != nil && !item.Locked.Retired || d.made.Lock == nil && d.named {
			return Missing
		}
		return NotMirrored
	default:
		return Unknown
	}
}

func (d *drawing) askCluster(ctx context.Context) error {
	if !d.InUse {
		return nil
	}
	images, host, err := reaching.InUse(ctx, d.Session, d.Destination)
	if err != nil {
		return err
	}
	d.made.Cluster, d.made.ClusterAsked = host, true
	for i := range d.made.Items {
		item := &d.made.Items[i]
		digest := item.Answer.Held.Digest.String()
		if item.Answer.Held.Digest.Hex == "" && item.Locked != nil {
			digest = item.Locked.Digest.String()
		}
		item.UsedBy = images.By(item.Target, digest)
	}
	return nil
}
