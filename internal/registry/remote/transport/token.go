package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// mostTokenBytes bounds a token server's answer.
const mostTokenBytes = 1 << 20

// askForToken sends a request to a token server until it is answered or the retries are used
// up, and returns what it says.
func (c *Client) askForToken(ctx context.Context, build func() (*http.Request, error)) ([]byte, error) {
	retry := c.NewRetry("fetching a token for " + c.host)
	for {
		answer, err := c.askOnce(ctx, build)
		if err != nil && Retryable(err) {
			if err = retry.Wait(ctx, err); err == nil {
				continue
			}
		}
		return answer, refusalOf(err)
	}
}

// refusalOf makes a TokenError of what a token server answered. OAuth 2 says 400 of a refresh
// token that it does not take.
func refusalOf(err error) error {
	var (
		status *StatusError
		over   *GaveUpError
	)
	if !errors.As(err, &status) {
		return err
	}
	return &TokenError{
		Err:   err,
		Unfit: status.Code == http.StatusBadRequest && status.Says("invalid_grant"),
		Down:  errors.As(err, &over),
	}
}

func (c *Client) askOnce(ctx context.Context, build func() (*http.Request, error)) ([]byte, error) {
	req, err := build()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.StallTimeout, errStalled)
	defer cancel()
	resp, err := c.follow(req, func(req *http.Request) (*http.Response, error) {
		c.opts.Traffic.AuthRequests.Add(1)
		resp, err := c.roundTrip(req.WithContext(ctx))
		if err != nil {
			return nil, cause(ctx, unwrapNet(err))
		}
		return resp, nil
	})
	if err != nil {
		return nil, unheardTokens(req.URL.Host, err)
	}
	defer drain(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return nil, c.statusError(resp)
	}
	if err := decode(resp, false); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostTokenBytes))
	if err != nil {
		return nil, unheardTokens(req.URL.Host, cause(ctx, err))
	}
	return body, nil
}

// unheardTokens names the token server that could not be heard: often it is another host than the
// registry, which has answered.
func unheardTokens(host string, err error) error {
	var network *NetError
	if !errors.As(err, &network) && !errors.Is(err, errStalled) {
		return err
	}
	return fmt.Errorf("asking the token server %s: %w", host, err)
}
