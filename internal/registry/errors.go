package registry

import (
	"errors"
	"fmt"
)

// Side says which registry an error or a figure is about.
type Side string

// The two sides of a copy. The words stand in messages.
const (
	SideSource Side = "source"
	SideTarget Side = "target"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNotFound: the reference, repository or blob does not exist on that side.
	ErrNotFound = errors.New("not found")
	// ErrRepositoryUnknown: there is no such repository, so it holds nothing; it is ErrNotFound too.
	ErrRepositoryUnknown = errors.New("repository unknown")
	// ErrUnauthorized: the registry refused the credentials (401), or there were none.
	ErrUnauthorized = errors.New("authentication refused")
	// ErrUnreachable: no registry answers under that name, or it cannot be trusted.
	ErrUnreachable = errors.New("unreachable")
	// ErrForbidden: the credentials are good but do not allow this (403).
	ErrForbidden = errors.New("access denied")
	// ErrUnavailable: the registry failed to answer (a status from 500 on, too many requests, no
	// answer in time, a connection that broke), and did so until the tries were used up: what it
	// holds is not known.
	ErrUnavailable = errors.New("the registry does not answer as it should")
	// ErrStalled: the connection stayed open and nothing moved, or next to nothing.
	ErrStalled = errors.New("the connection stalled")
	// ErrRefuses: the registry answered, and will not do this (a status from 400 to 499 that no other
	// try changes, or 501): it does not offer it, or not to us. What it would have said, nobody knows.
	ErrRefuses = errors.New("the registry does not do this")
	// ErrBlobUnknown: the target refuses a manifest, for it does not have a blob of it.
	ErrBlobUnknown = errors.New("a blob is not there")
	// ErrKeepsOther: the registry confirms a blob, and goes on to hold something else under its digest.
	ErrKeepsOther = errors.New("the upload was confirmed, and what the registry holds has another size than the blob")
	// ErrDigestMismatch: content does not have the digest under which it was asked for.
	ErrDigestMismatch = errors.New("digest mismatch")
	// ErrUnknownType: what is there is neither an image nor an index, so that it cannot be copied.
	ErrUnknownType = errors.New("no manifest that can be copied")
	// ErrRefused: what the user asks of artifacts, a signature or an age, does not hold for it.
	ErrRefused = errors.New("refused by the user's rules")
	// ErrConflict: the target's tag holds other content.
	ErrConflict = errors.New("tag holds other content")
	// ErrDrift: a side has other content than a lock, or a reviewed plan, says.
	ErrDrift = errors.New("drift")

	// The rest are causes that a user can do something about. What, in terms of a program's own
	// commands, is for that program to say.

	// ErrExpired: the registry says that what was presented to it has expired.
	ErrExpired = errors.New("credentials expired")
	// ErrQuota: the registry has no room for what was sent, or grants none.
	ErrQuota = errors.New("no room left")
	// ErrTooLarge: something before the registry refuses request bodies of this size, and the
	// registry takes no smaller pieces.
	ErrTooLarge = errors.New("request body too large")
	// ErrPlainHTTP: the registry speaks plain HTTP, and nobody has allowed that.
	ErrPlainHTTP = errors.New("plain HTTP")
	// ErrProxy: a proxy on the way refuses to let requests through.
	ErrProxy = errors.New("refused by the proxy")
	// ErrReadOnly: the registry takes nothing that is pushed, whoever does.
	ErrReadOnly = errors.New("the registry takes nothing")
	// ErrKeeps: the registry does not delete what it was asked to, whoever asks.
	ErrKeeps = errors.New("the registry does not delete this")
	// ErrTokens: the server that the registry names for tokens gives none, and that is no verdict about
	// credentials.
	ErrTokens = errors.New("no token")
	// ErrNoRegistry: what answers under that name does not speak the distribution protocol.
	ErrNoRegistry = errors.New("no registry")
)

// Error is a failed operation on one side. It unwraps to its cause.
type Error struct {
	// Op is what was being done, "fetching manifest".
	Op string
	// Side is empty where the operation belongs to neither registry.
	Side Side
	// Host is the registry, with its port where one was named; empty where none is involved.
	Host string
	// Ref is the artifact, blob or repository with its host.
	Ref string
	Err error
}

// Error names the side, the operation, the reference and the cause.
func (e *Error) Error() string {
	switch {
	case e.Side == "":
		return fmt.Sprintf("%s %s: %v", e.Op, e.Ref, e.Err)
	default:
		return fmt.Sprintf("%s: %s %s: %v", e.Side, e.Op, e.Ref, e.Err)
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
