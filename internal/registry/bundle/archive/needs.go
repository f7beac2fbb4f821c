package archive

import (
	"errors"
	"slices"
)

// Errors of Options.Needs.
var (
	// ErrNeeds: files are not there that have to be.
	ErrNeeds = errors.New("it lacks files that it has to have")
	// ErrPacked: whether they are there could be told only once all of it was unpacked.
	ErrPacked = errors.New("it is compressed, so that nothing of it can be checked before all of it is unpacked")
)

// needed holds names against what has to be there.
func (o Options) needed(has func(name string) bool) error {
	if slices.ContainsFunc(o.Needs, func(name string) bool { return !has(name) }) {
		return ErrNeeds
	}
	return nil
}
