// Package contrast tells in what two sides differ that say which artifacts there are: Compare.
package contrast

import (
	"cmp"
	"slices"
	"strings"
)

// Item is an artifact as one side has it.
type Item struct {
	// Key is the same for what both sides mean by one artifact; Name is for people.
	Key, Name string
	// Ref is where the side has it.
	Ref string
	// Digest is what the side has; empty where it has the name only.
	Digest string
	// Attached are the digests of what is attached to it.
	Attached []string
	// By is who refers to it, where the side is a cluster.
	By string
}

// Kind is in what an artifact differs.
type Kind string

// The kinds of differences.
const (
	OnlyFirst  Kind = "only in the first"
	OnlySecond Kind = "only in the second"
	Content    Kind = "other content"
	Attached   Kind = "other attachments"
)

// Difference is an artifact in which the sides differ.
type Difference struct {
	Kind Kind
	Name string
	// First and Second are what the sides have; the zero value where one has nothing.
	First, Second Item
}

// Options say what is no difference.
type Options struct {
	// Part says that one side, a cluster, need not have what the other has; First which.
	Part  bool
	First bool
	// WithAttached compares what is attached too, which both sides know then.
	WithAttached bool
}

// Result is what came of a comparison.
type Result struct {
	Differences []Difference
	// Same are the artifacts of which both sides say the same; ByName those of them that one side
	// knows by their name only; Unused those that a part does not have.
	Same, ByName, Unused int
}

// Compare compares what two sides have. Several items of a key, as clusters have them where objects
// name one tag by several digests, are compared each.
func Compare(first, second []Item, opts Options) Result {
	var r Result
	others := map[string][]Item{}
	for _, item := range second {
		others[item.Key] = append(others[item.Key], item)
	}
	met := map[string]bool{}
	for _, item := range first {
		met[item.Key] = true
		if len(others[item.Key]) == 0 {
			r.lacking(Difference{OnlyFirst, item.Name, item, Item{}}, opts.Part && !opts.First)
		}
		for _, other := range others[item.Key] {
			r.pair(item, other, opts)
		}
	}
	for _, item := range second {
		if !met[item.Key] {
			r.lacking(Difference{OnlySecond, item.Name, Item{}, item}, opts.Part && opts.First)
		}
	}
	slices.SortStableFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.Kind), string(b.Kind)))
	})
	return r
}

// lacking notes what one side lacks, which is no difference where that is a part.
func (r *Result) lacking(d Difference, part bool) {
	if part {
		r.Unused++
		return
	}
	r.Differences = append(r.Differences, d)
}

func (r *Result) pair(a, b Item, opts Options) {
	switch {
	case a.Digest == "" || b.Digest == "":
		r.Same++
		r.ByName++
	case a.Digest != b.Digest:
		r.Differences = append(r.Differences, Difference{Content, a.Name, a, b})
	case opts.WithAttached && !slices.Equal(sorted(a.Attached), sorted(b.Attached)):
		r.Differences = append(r.Differences, Difference{Attached, a.Name, a, b})
	default:
		r.Same++
	}
}

func sorted(words []string) []string {
	words = slices.Clone(words)
	slices.Sort(words)
	return words
}
