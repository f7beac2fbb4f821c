package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// statusErr is an answer that is no success.
type statusErr struct {
	code       int
	codes      []string // the registry's own error codes, "NAME_UNKNOWN"
	message    string
	retryAfter time.Duration
	asked      bool // the registry said how long to wait
}

func (e *statusErr) Error() string {
	text := fmt.Sprintf("%d %s", e.code, http.StatusText(e.code))
	if e.message != "" {
		text += ": " + e.message
	}
	return text
}

// Is maps statuses to the errors that callers tell apart.
func (e *statusErr) Is(target error) bool {
	switch target {
	case registry.ErrUnauthorized:
		return e.code == http.StatusUnauthorized
	case registry.ErrForbidden:
		return e.code == http.StatusForbidden
	case registry.ErrNotFound:
		return e.code == http.StatusNotFound
	case registry.ErrRepositoryUnknown:
		return e.code == http.StatusNotFound && e.has("NAME_UNKNOWN")
	}
	return false
}

func (e *statusErr) has(code string) bool {
	for _, c := range e.codes {
		if c == code {
			return true
		}
	}
	return false
}

// passing tells whether another try may fare better. From 520 on are answers that networks
// before a registry give when they do not reach it.
func (e *statusErr) passing() bool {
	switch e.code {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return e.code >= 520
}

// busy tells whether the registry asks for fewer requests.
func (e *statusErr) busy() bool {
	return e.code == http.StatusTooManyRequests || e.code == http.StatusServiceUnavailable
}

// statusError reads what the registry says about a failure. It does not close the body.
func statusError(resp *http.Response) *statusErr {
	e := &statusErr{code: resp.StatusCode}
	e.retryAfter, e.asked = parseRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	body, _ := io.ReadAll(io.LimitReader(resp.Body, 16<<10)) // a broken body only loses the details
	var answer struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
		Details string `json:"details"`
	}
	if json.Unmarshal(body, &answer) != nil {
		return e
	}
	var messages []string
	for _, item := range answer.Errors {
		e.codes = append(e.codes, item.Code)
		messages = append(messages, strings.TrimSpace(item.Code+" "+item.Message))
	}
	if answer.Details != "" {
		messages = append(messages, answer.Details)
	}
	e.message = printable(strings.Join(messages, "; "))
	return e
}

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

// parseRetryAfter reads seconds or an HTTP date.
func parseRetryAfter(value string, now time.Time) (time.Duration, bool) {
	if value == "" {
		return 0, false
	}
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// drain reads the rest of a short body, so that its connection can be used again, and
// closes it.
func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}
