package postgres

import (
	"slices"
	"strconv"

	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// Match returns those of the available versions that e selects, newest first. A term
// that selects none of them is an *UnknownError whose sentence ends with where, "in
// v4.3.1".
func (e Expression) Match(available []Version, where string) ([]Version, error) {
	matched, missed := e.Pick(available)
	if len(missed) > 0 {
		return nil, missed[0].Missing(available, where)
	}
	return matched, nil
}

// Pick returns what e selects, newest first, and the terms that select nothing.
func (e Expression) Pick(available []Version) (picked []Version, missed []Term) {
	available = slices.SortedFunc(slices.Values(available), NewestFirst)
	available = slices.Compact(available)
	if len(e.terms) == 0 {
		return available, nil
	}
	chosen := map[Version]bool{}
	for _, t := range e.terms {
		found := t.pick(available)
		if len(found) == 0 {
			missed = append(missed, t)
		}
		for _, v := range found {
			chosen[v] = true
		}
	}
	for _, v := range available {
		if chosen[v] {
			picked = append(picked, v)
		}
	}
	return picked, missed
}

// SelectsOf tells whether the term selects one of the versions.
func (t Term) SelectsOf(available []Version) bool {
	return len(t.pick(slices.SortedFunc(slices.Values(available), NewestFirst))) > 0
}

// pick returns what t selects of the versions, which are newest first.
func (t Term) pick(available []Version) []Version {
	var picked []Version
	for i, v := range available {
		newestOfMajor := i == 0 || available[i-1].Major != v.Major
		if t.selects(v, newestOfMajor) {
			picked = append(picked, v)
		}
	}
	return picked
}

func (t Term) selects(v Version, newestOfMajor bool) bool {
	switch {
	case t.word == AllWord:
		return true
	case t.word == latestWord:
		return newestOfMajor
	case t.major != 0:
		return newestOfMajor && v.Major == t.major
	case len(t.bounds) > 0:
		return !slices.ContainsFunc(t.bounds, func(b bound) bool { return !b.holds(v) })
	default:
		return v == t.exact
	}
}

func (b bound) holds(v Version) bool {
	limit := Version{Major: b.major, Minor: b.minor}
	if b.minor < 0 {
		limit.Minor = v.Minor // compares majors alone
	}
	c := v.Compare(limit)
	switch b.operator {
	case ">":
		return c > 0
	case ">=":
		return c >= 0
	case "<":
		return c < 0
	default:
		return c <= 0
	}
}

// Missing says that t is not available, and what is that comes nearest: the minors of
// its major, or all majors, or everything.
func (t Term) Missing(available []Version, where string) *suggest.UnknownError {
	have := available
	if !t.exact.IsZero() {
		sameMajor := slices.DeleteFunc(slices.Clone(available), func(v Version) bool { return v.Major != t.exact.Major })
		if len(sameMajor) > 0 {
			have = sameMajor
		}
	}
	names := texts(have)
	if t.major != 0 {
		names = majors(available)
	}
	return &suggest.UnknownError{Name: t.String(), Where: where, Have: names}
}

// texts writes versions, newest first.
func texts(all []Version) []string {
	all = slices.SortedFunc(slices.Values(all), NewestFirst)
	words := make([]string, 0, len(all))
	for _, v := range slices.Compact(all) {
		words = append(words, v.String())
	}
	return words
}

// majors writes the majors of versions, newest first.
func majors(all []Version) []string {
	var words []string
	for _, v := range slices.SortedFunc(slices.Values(all), NewestFirst) {
		words = append(words, strconv.Itoa(v.Major))
	}
	return slices.Compact(words)
}
