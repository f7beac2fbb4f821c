// Package repository reads classic Helm repositories: a folder on a web server with an
// index.yaml that names the archives.
//
//	charts, err := repository.New("https://charts.example.com/stable", repository.Options{})
//	chart, err := charts.Fetch(ctx, "operator", "1.2.3")
//
// Requests go through package transport, so that certificate authorities, proxies, retries and
// limits hold here as they do for registries, and so does its rule on credentials: they are
// sent to the repository's own server alone, when it asks for them.
package repository

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/chart"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Options steer a Repository; the zero value is anonymous, over HTTPS, plain HTTP on loopback
// only.
type Options = transport.Options

// Repository is a classic Helm repository. Use New. It is safe for concurrent use.
type Repository struct {
	client *transport.Client
	base   url.URL // its path ends in a slash

	reading sync.Mutex
	index   *index
}

// New returns the repository at an address, https://HOST[/PATH]. It sends nothing yet. An http
// address allows nothing by itself: see Options.PlainHTTP.
func New(address string, opts Options) (*Repository, error) {
	at, err := ref.ParseHelmRepository(address)
	if err != nil {
		return nil, err
	}
	client, err := transport.New(at.Host, opts)
	if err != nil {
		return nil, err
	}
	at.Path = strings.TrimSuffix(at.Path, "/") + "/"
	return &Repository{client: client, base: *at}, nil
}

// Close closes idle connections.
func (r *Repository) Close() { r.client.Close() }

// String is the repository's address.
func (r *Repository) String() string { return strings.TrimSuffix(r.base.String(), "/") }

// Fetch fetches a chart. The version is one that the index has, or a range of them, ">=1.2 <2"; empty is
// the newest that is no preview. What arrives is held against the digest that the index has,
// where it has one. Errors wrap registry.ErrNotFound where the repository has no such chart,
// registry.ErrDigestMismatch and chart.ErrNotAChart.
func (r *Repository) Fetch(ctx context.Context, name, version string) (*chart.Chart, error) {
	entries, err := r.versionsOf(ctx, name)
	if err != nil {
		return nil, err
	}
	entry, err := find(entries, version)
	if err != nil {
		return nil, r.failure("looking for chart", name, err)
	}
	archive, at, err := r.archive(ctx, entry)
	if err != nil {
		return nil, err
	}
	if err := entry.check(archive); err != nil {
		return nil, r.failure("fetching chart", at, err)
	}
	packed, err := chart.Parse(archive)
	if err != nil {
		return nil, r.failure("reading chart", at, err)
	}
	if packed.Version() != entry.Version {
		return nil, r.failure("reading chart", at, fmt.Errorf("%w: it is version %s, and the index says %s", chart.ErrNotAChart, packed.Version(), entry.Version))
	}
	if packed.Name() != name {
		return nil, r.failure("reading chart", at, fmt.Errorf("%w: it is %s, and the index says %s", chart.ErrNotAChart, packed.Name(), name))
	}
	return packed, nil
}

// Versions are the versions of a chart, the newest first; those that are none by Semantic
// Versioning come last.
func (r *Repository) Versions(ctx context.Context, name string) ([]string, error) {
	entries, err := r.versionsOf(ctx, name)
	if err != nil {
		return nil, err
	}
	all := make([]string, len(entries))
	for i, entry := range entries {
		all[i] = entry.Version
	}
	return all, nil
}

func (r *Repository) failure(op, ref string, err error) error {
	var known *registry.Error
	if errors.As(err, &known) {
		return err
	}
	if !strings.Contains(ref, "://") {
		ref += " in " + r.String()
	}
	return &registry.Error{Op: op, Side: registry.SideSource, Host: r.client.Host(), Ref: ref, Err: err}
}

// archive reads a packed chart, from wherever the index says that it is.
func (r *Repository) archive(ctx context.Context, entry *entry) ([]byte, string, error) {
	if len(entry.URLs) == 0 {
		return nil, "", r.failure("looking for chart", entry.Version, errors.New("the index does not say where it is"))
	}
	at, err := r.base.Parse(entry.URLs[0])
	if err != nil || at.Host == "" || at.Scheme != "https" && at.Scheme != "http" || at.User != nil {
		return nil, "", r.failure("looking for chart", entry.Version, errors.New("the index names no address that can be read"))
	}
	// An address of the repository's own server is asked for by whichever scheme serves it.
	if at.Host != r.base.Host && at.Scheme == "http" && !r.client.MayUsePlainHTTP(at.Host) {
		return nil, "", r.failure("fetching chart", at.String(), registry.ErrPlainHTTP)
	}
	body, err := r.get(ctx, "fetching chart", at, chart.MaxArchive, true)
	return body, at.String(), err
}

// get reads what lies at an address.
func (r *Repository) get(ctx context.Context, op string, at *url.URL, limit int64, zipped bool) ([]byte, error) {
	request := transport.Request{Op: op, Ref: shown(at), Method: http.MethodGet, Accept: []int{http.StatusOK}}
	if request.URL = at; at.Host == r.base.Host {
		request.URL, request.Path = nil, at.RequestURI()
	}
	retry := r.client.NewRetry(op + " " + request.Ref)
	for {
		body, err := r.read(retry.Within(ctx), request, limit, zipped)
		if err == nil {
			retry.Done()
			return body, nil
		}
		if !transport.Retryable(err) {
			return nil, err
		}
		if err := retry.Wait(ctx, err); err != nil {
			return nil, r.client.Failure(request, err)
		}
	}
}

func (r *Repository) read(ctx context.Context, request transport.Request, limit int64, zipped bool) ([]byte, error) {
	resp, err := r.client.Do(ctx, request)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.Encoded() {
		if err := resp.Decode(zipped); err != nil {
			return nil, r.client.Failure(request, err)
		}
	}
	body, err := resp.ReadAll(limit)
	switch {
	case err != nil:
		return nil, r.client.Failure(request, err)
	case int64(len(body)) > limit:
		return nil, r.client.Failure(request, fmt.Errorf("it is larger than %d MiB", limit>>20))
	}
	return body, nil
}

// check holds an archive against the index's digest.
func (e *entry) check(archive []byte) error {
	want := strings.TrimPrefix(e.Digest, "sha256:")
	hash := sha256.Sum256(archive)
	if got := hex.EncodeToString(hash[:]); want != "" && !strings.EqualFold(got, want) {
		return fmt.Errorf("%w: it has sha256:%s, and the index says %q", registry.ErrDigestMismatch, got, e.Digest)
	}
	return nil
}

// shown is an address as it may be told: a query can be a key to what lies there.
func shown(at *url.URL) string {
	bare := *at
	bare.User, bare.RawQuery, bare.Fragment = nil, "", ""
	if at.RawQuery != "" {
		return bare.String() + "?…"
	}
	return bare.String()
}
