package registry

import (
	"errors"
	"strings"
)

// Named is a source that knows which registry it is. A bundle is none.
type Named interface {
	// Side is whose registry it is.
	Side() Side
	// Host is its name, with a port where it has one.
	Host() string
}

// Located says of an error about content that a source gave where that is; one that does so itself, and
// nil, stay as they are. The reference is a tag or a digest.
func Located(source Source, op, repository, reference string, err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	located := &Error{Op: op, Ref: repository + ":" + reference, Err: err}
	if strings.Contains(reference, ":") {
		located.Ref = repository + "@" + reference
	}
	if named, ok := source.(Named); ok {
		located.Side, located.Host, located.Ref = named.Side(), named.Host(), named.Host()+"/"+located.Ref
	}
	return located
}
