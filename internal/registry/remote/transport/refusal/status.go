// Package refusal has what a registry says where it does not do what it was asked, or what stands before
// it says: Of makes a StatusError of an answer, which tells callers what to make of it.
package refusal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// StatusError is an answer that is no success.
type StatusError struct {
	// Code is the status, 404.
	Code int
	// From is the host that gave the answer, where that is not the registry.
	From string
	// RetryAfter is how long the registry says to wait; zero where it says nothing, or no time at all.
	RetryAfter time.Duration

	codes   []string // the registry's own error codes, "NAME_UNKNOWN"
	message string
}

// Error is the status with what the registry says about it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.From != "" {
		text += " by " + e.From
	}
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

// Is maps statuses to the errors that callers tell apart.
func (e *StatusError) Is(target error) bool {
	switch target {
	case registry.ErrUnauthorized:
		return e.Code == http.StatusUnauthorized
	case registry.ErrForbidden:
		return e.Code == http.StatusForbidden && !e.Full()
	case registry.ErrExpired:
		return (e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden) && e.Says("expired")
	case registry.ErrQuota:
		return e.Full()
	case registry.ErrProxy:
		return e.Code == http.StatusProxyAuthRequired
	case registry.ErrNotFound:
		return e.Code == http.StatusNotFound
	case registry.ErrUnavailable:
		return e.Passing()
	case registry.ErrRefuses:
		return e.Code >= 400 && e.Code < 500 && !e.Passing() || e.Code == http.StatusNotImplemented
	case registry.ErrBlobUnknown:
		return e.Has("MANIFEST_BLOB_UNKNOWN") || e.Has("BLOB_UNKNOWN")
	case registry.ErrRepositoryUnknown:
		return e.Code == http.StatusNotFound && e.Has("NAME_UNKNOWN")
	}
	return false
}

// Has tells whether the registry gave one of its own error codes, "NAME_UNKNOWN".
func (e *StatusError) Has(code string) bool {
	for _, c := range e.codes {
		if c == code {
			return true
		}
	}
	return false
}

// Says tells whether the registry's words hold one of these, which are in lower case.
func (e *StatusError) Says(words ...string) bool {
	message := strings.ToLower(e.message)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(message, word) })
}

// Full tells that there is no room for what was sent. Registries say so with many statuses; a
// limit on how often they may be asked is another matter.
func (e *StatusError) Full() bool {
	switch e.Code {
	case http.StatusInsufficientStorage:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return !e.Says("rate limit", "too many requests") &&
			(e.Says("quota", "no space left", "storage limit") || e.Says("exceed") && e.Says("storage", "upper limit"))
	}
	return false
}

// Passing tells whether another try may fare better. From 520 on are answers that networks
// before a registry give when they do not reach it.
func (e *StatusError) Passing() bool {
	switch e.Code {
	case http.StatusInternalServerError:
		return !e.definite()
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.Code >= 520
}

// definite tells that the registry has looked at what was sent, and refuses that, whatever the status:
// it would say the same again. What it says of names and of who may do something is not: where the
// service behind it is away, it may not know.
func (e *StatusError) definite() bool {
	return slices.ContainsFunc([]string{
		"MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID", "MANIFEST_UNVERIFIED", "DIGEST_INVALID", "SIZE_INVALID",
		"NAME_INVALID", "TAG_INVALID", "UNSUPPORTED",
	}, e.Has)
}

// Busy tells whether the registry asks for fewer requests.
func (e *StatusError) Busy() bool {
	return e.Code == http.StatusTooManyRequests || e.Code == http.StatusServiceUnavailable
}

// Of is an answer that is no success. Its body, which may have been cut off, is read as well as it can be;
// what the registry says to people goes through printable, see Printable.
func Of(code int, header http.Header, body []byte, printable func(string) string) *StatusError {
	codes, words := wordsOf(header.Get("Content-Type"), body)
	e := &StatusError{
		Code: code, RetryAfter: parseRetryAfter(header.Get("Retry-After"), sent(header)),
		codes: codes, message: printable(strings.Join(words, "; ")),
	}
	if strings.HasPrefix(e.message, strconv.Itoa(e.Code)) { // "404 page not found"
		e.message = ""
	}
	return e
}

// Printable keeps a registry's words from spoiling a terminal: no control characters, and
// no more than a few lines.
func Printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}

// sent is when an answer was sent by the clock of who sent it, by which its other dates go too: ours may be
// hours off. It is now where that is not said.
func sent(header http.Header) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		return at
	}
	return time.Now()
}

// longestRetryAfter stands for all that is longer: nobody waits for it.
const longestRetryAfter = 365 * 24 * time.Hour

// parseRetryAfter reads seconds or an HTTP date; zero where it is neither.
func parseRetryAfter(value string, now time.Time) time.Duration {
	seconds, err := strconv.ParseUint(value, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && seconds > uint64(longestRetryAfter/time.Second):
		return longestRetryAfter
	case err == nil:
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(now)), longestRetryAfter)
	}
	return 0
}
