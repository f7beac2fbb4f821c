package transport

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// refusedByProxy tells what a proxy says to a CONNECT. What it refuses it refuses again, with a
// password too, and too many wrong ones lock accounts.
func refusedByProxy(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	code := answer.StatusCode
	passing := (&StatusError{Code: code}).Passing()
	if code == http.StatusOK || passing {
		return nil
	}
	return &causeError{fmt.Errorf("the proxy %s says %d %s", proxy.Host, code, http.StatusText(code)), registry.ErrProxy}
}
