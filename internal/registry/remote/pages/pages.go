// Package pages reads what is small enough to be read whole: one answer (Fetch), or a listing that comes
// page by page (Each).
package pages

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// mostBytes bounds manifests, tag lists and referrers; registries commonly refuse manifests above 4 MiB.
const mostBytes = 8 << 20

// Listings whose end never comes are given up.
const (
	mostPages        = 1000
	mostListingBytes = 16 << 20
)

// Fetch sends a request and reads the body of its answer whole, starting again where it breaks off.
func Fetch(ctx context.Context, client *transport.Client, request transport.Request) ([]byte, http.Header, error) {
	retry := client.NewRetry(request.Op + " " + request.Ref)
	for {
		resp, err := client.Do(retry.Within(ctx), request)
		if err != nil {
			return nil, nil, err
		}
		if err := resp.Decode(false); err != nil {
			_ = resp.Body.Close()
			return nil, nil, client.Failure(request, err)
		}
		body, err := resp.ReadAll(mostBytes)
		_ = resp.Body.Close()
		switch {
		case err == nil && len(body) > mostBytes:
			return nil, nil, client.Failure(request, fmt.Errorf("the answer is larger than %d bytes", mostBytes))
		case err == nil:
			retry.Done()
			return body, resp.Header, nil
		case !transport.Retryable(err):
			return nil, nil, client.Failure(request, err)
		}
		if err := retry.Wait(ctx, err); err != nil {
			return nil, nil, client.Failure(request, err)
		}
	}
}

// Each fetches a listing page after page, and has each read with its header.
func Each(ctx context.Context, client *transport.Client, request transport.Request, read func([]byte, http.Header) error) error {
	total, seen := 0, map[string]bool{}
	for range mostPages {
		if seen[request.Path] {
			break
		}
		seen[request.Path] = true
		body, header, err := Fetch(ctx, client, request)
		if err != nil {
			return err
		}
		if total += len(body); total > mostListingBytes {
			break
		}
		if err := read(body, header); err != nil {
			return client.Failure(request, fmt.Errorf("reading the answer: %w", err))
		}
		next, err := nextPage(request, header)
		if err != nil {
			return client.Failure(request, err)
		}
		if next == "" {
			return nil
		}
		request.Path = next
	}
	return client.Failure(request, errors.New("the listing does not end"))
}
