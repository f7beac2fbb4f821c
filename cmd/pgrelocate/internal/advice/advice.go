// Package advice turns errors into the line that says what a user can do about them. The
// libraries below cmd know causes, and no flags: what a cause means in terms of this
// program's commands and flags stands here, a file for each room that errors come from.
//
//	if hint := advice.For(err); hint != "" {
package advice

import (
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
)

// rooms are asked one after the other; the first that knows the error advises.
var rooms = []func(error) string{
	wrongPlace,
	unknownWay,
	refusedForCluster,
	refusedFromEnvironment,
	exit.Hint,
	ofUseCases,
	aboutLock,
	installed,
	refusedByRegistry,
	notAtSource,
	conflict,
	notAdmitted,
	incomplete,
	aboutBundle,
}

// For is the line that says what a user can do about err; empty where there is nothing to
// say, and for no error.
func For(err error) string {
	if err == nil {
		return ""
	}
	for _, room := range rooms {
		if hint := room(err); hint != "" {
			return hint
		}
	}
	return ""
}
