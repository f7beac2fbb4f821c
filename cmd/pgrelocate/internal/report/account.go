package report

import (
	"slices"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Account is what a run did, as far as reports tell. A result that can be reported makes one.
type Account struct {
	// Results are the words that Item.Result takes where all is well or not: each is counted, those
	// of which there are none too.
	Results []string
	Items   []Item
	// MovedBytes are the bytes of blobs that were moved; nil where moving is not what the run is for.
	MovedBytes *int64
	// FetchedBytes are the bytes of blobs that were read from the source; nil where nobody has counted.
	FetchedBytes *int64
	// Shard is which part of a plan the run carried out; empty where it was no part. Tagged says that it has
	// put the tags of all parts.
	Shard  string
	Tagged bool
	// Drift is how many of the items differ from what was expected; nil where nobody has looked.
	Drift *int
	// Source and Target are what went over the wire to both sides; nil where nobody has counted.
	Source, Target *registry.Counts
}

// Item is one thing that a run is about.
type Item struct {
	// Kind is artifact or, in a cluster, release, workload, image, version or namespace.
	Kind string
	// Name is the reference at the target, or the name in the cluster.
	Name string
	// Source is where an artifact comes from; empty where that is not known.
	Source string
	Digest string
	// Result says in one word what became of it.
	Result string
	// Bad says that this is a failure, Skipped that it was left alone on purpose.
	Bad, Skipped bool
	// Reason says why; empty where there is nothing to say.
	Reason string
}

// bad are the items that failed.
func (a *Account) bad() []Item {
	return slices.DeleteFunc(slices.Clone(a.Items), func(i Item) bool { return !i.Bad })
}

// count is how many items have a result.
func (a *Account) count(result string) int {
	n := 0
	for _, item := range a.Items {
		if item.Result == result {
			n++
		}
	}
	return n
}

// results are the words that are counted: those that can be, and those that are there.
func (a *Account) results() []string {
	all := slices.Clone(a.Results)
	for _, item := range a.Items {
		if !slices.Contains(all, item.Result) {
			all = append(all, item.Result)
		}
	}
	return all
}

// retries are those to both sides together.
func (a *Account) retries() int64 {
	var n int64
	for _, side := range []*registry.Counts{a.Source, a.Target} {
		if side != nil {
			n += side.Retries
		}
	}
	return n
}

// Ending is how a run ended.
type Ending struct {
	// Code is the exit code, Err what went wrong, nil where nothing did, and Hint what a user can
	// do about that.
	Code int
	Err  error
	Hint string
}

// outcome is all that there is to tell when a run is over.
type outcome struct {
	Options
	Account
	started, ended time.Time
	code           int
	// text is the error in words, empty where all went well.
	text, hint string
	expiries   []expiry
}

func (o *outcome) took() time.Duration { return o.ended.Sub(o.started).Round(time.Millisecond) }

// unnamed tells whether there is an error that no item tells of.
func (o *outcome) unnamed() bool { return o.code != 0 && len(o.bad()) == 0 }

// expiry is when a login seems to expire.
type expiry struct {
	side registry.Side
	host string
	at   time.Time
}
