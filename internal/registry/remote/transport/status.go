package transport

import (
	"io"
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport/refusal"
)

// StatusError is an answer that is no success.
type StatusError = refusal.StatusError

// mostDetails is how much of an answer's body is read for what the registry says about a failure.
const mostDetails = 16 << 10

// statusError reads what the registry says about a failure, for no longer than one stall
// timeout, and drains and closes the body in the same time.
func (c *Client) statusError(resp *http.Response) *StatusError {
	defer hurry(resp.Body)()
	_ = decode(resp, false)
	body, _ := io.ReadAll(io.LimitReader(resp.Body, mostDetails)) // a broken body only loses the details
	drain(resp.Body)
	return refusal.Of(resp.StatusCode, resp.Header, body, c.Printable)
}

// Printable is what a registry says, fit for people's eyes: without control characters, short,
// and without the secrets, for of one that is cut off nobody could recognise the rest.
func (c *Client) Printable(text string) string { return refusal.Printable(c.opts.Secrets.Hide(text)) }
