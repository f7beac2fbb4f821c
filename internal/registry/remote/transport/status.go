package transport

import (
	"errors"
	"fmt"
	"io"
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
	Code       int
	codes      []string // the registry's own error codes, "NAME_UNKNOWN"
	message    string
	retryAfter time.Duration
	asked      bool // the registry said how long to wait
	// from is the host that gave the answer, where that is not the registry.
	from string
}

// Error is the status with what the registry says about it.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.from != "" {
		text += " by " + e.from
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
		return e.Code == http.StatusForbidden && !e.full()
	case registry.ErrExpired:
		return (e.Code == http.StatusUnauthorized || e.Code == http.StatusForbidden) && e.says("expired")
	case registry.ErrQuota:
		return e.full()
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

// says tells whether the registry's words hold one of these, which are in lower case.
func (e *StatusError) says(words ...string) bool {
	message := strings.ToLower(e.message)
	return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(message, word) })
}

// full tells that there is no room for what was sent. Registries say so with many statuses; a
// limit on how often they may be asked is another matter.
func (e *StatusError) full() bool {
	switch e.Code {
	case http.StatusInsufficientStorage:
		return true
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return !e.says("rate limit", "too many requests") &&
			(e.says("quota", "no space left", "storage limit") || e.says("exceed") && e.says("storage", "upper limit"))
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

// mostDetails is how much of an answer's body is read for what the registry says about a failure.
const mostDetails = 16 << 10

// statusError reads what the registry says about a failure, for no longer than one stall
// timeout, and drains and closes the body in the same time.
func (c *Client) statusError(resp *http.Response) *StatusError {
	defer hurry(resp.Body)()
	e := &StatusError{Code: resp.StatusCode}
	e.retryAfter, e.asked = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	_ = decode(resp, false)
	body, _ := io.ReadAll(io.LimitReader(resp.Body, mostDetails)) // a broken body only loses the details
	drain(resp.Body)
	codes, words := wordsOf(resp.Header.Get("Content-Type"), body)
	e.codes, e.message = codes, c.Printable(strings.Join(words, "; "))
	if strings.HasPrefix(e.message, strconv.Itoa(e.Code)) { // "404 page not found"
		e.message = ""
	}
	return e
}

// Printable is what a registry says, fit for people's eyes: without control characters, short,
// and without the secrets, for of one that is cut off nobody could recognise the rest.
func (c *Client) Printable(text string) string { return printable(c.opts.Secrets.Hide(text)) }

// printable keeps a registry's words from spoiling a terminal: no control characters, and
// no more than a few lines.
func printable(s string) string {
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

// longestRetryAfter stands for all that is longer: nobody waits for it.
const longestRetryAfter = 365 * 24 * time.Hour

// parseRetryAfter reads seconds or an HTTP date.
func parseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	seconds, err := strconv.ParseUint(value, 10, 64)
	switch {
	case errors.Is(err, strconv.ErrRange) || err == nil && seconds > uint64(longestRetryAfter/time.Second):
		return longestRetryAfter, true
	case err == nil:
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return min(max(0, at.Sub(now)), longestRetryAfter), true
	}
	return 0, false
}
