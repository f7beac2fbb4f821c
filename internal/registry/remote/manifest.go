package remote

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/pages"
	"github.com/pgrelocate/pgrelocate/internal/registry/remote/transport"
)

// manifestTypes are what we can copy.
var manifestTypes = []string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
}

func (c *Client) manifestRequest(method, op, repository, reference string) transport.Request {
	return transport.Request{
		Op: op, Ref: c.refOf(repository, reference), Method: method,
		Path:   "/v2/" + repository + "/manifests/" + reference,
		Need:   transport.Access{Repository: repository},
		Header: http.Header{"Accept": {strings.Join(manifestTypes, ", ")}},
		Accept: []int{http.StatusOK},
	}
}

// refOf is a reference as people write it.
func (c *Client) refOf(repository, reference string) string {
	separator := ":"
	if strings.HasPrefix(reference, "sha256:") || strings.HasPrefix(reference, "sha512:") {
		separator = "@"
	}
	return c.Host() + "/" + repository + separator + reference
}

// mediaTypeOf drops parameters such as charset; it is empty for what names no manifest, nor one
// of the types that will also do.
func mediaTypeOf(contentType string, also []types.MediaType) types.MediaType {
	plain, _, _ := strings.Cut(contentType, ";")
	plain = strings.TrimSpace(plain)
	if slices.Contains(also, types.MediaType(plain)) {
		return types.MediaType(plain)
	}
	for _, known := range manifestTypes {
		if plain == known {
			return types.MediaType(known)
		}
	}
	return ""
}

// saysNothing tells content types that any file may have: an OCI manifest need not name its
// type, and static hosts and caches do not know it.
func saysNothing(contentType string) bool {
	plain, _, _ := strings.Cut(contentType, ";")
	switch strings.TrimSpace(plain) {
	case "", "application/json", "application/octet-stream", "binary/octet-stream", "text/plain":
		return true
	}
	return false
}

// Manifest implements registry.Source.
func (c *Client) Manifest(ctx context.Context, repository, reference string, also ...types.MediaType) (oci.Manifest, error) {
	return c.manifest(ctx, c.manifestRequest(http.MethodGet, "fetching manifest", repository, reference), reference, also)
}

func (c *Client) manifest(ctx context.Context, request transport.Request, reference string, also []types.MediaType) (oci.Manifest, error) {
	for _, mediaType := range also {
		request.Header.Add("Accept", string(mediaType))
	}
	body, header, err := pages.Fetch(ctx, c.transport, request)
	if err != nil {
		return oci.Manifest{}, err
	}
	digest, err := digestOf(body, reference)
	if err != nil {
		return oci.Manifest{}, c.transport.Failure(request, err)
	}
	if named, err := v1.NewHash(header.Get("Docker-Content-Digest")); err == nil && differs(named, digest) {
		return oci.Manifest{}, c.transport.Failure(request, fmt.Errorf("%w: got %s, want %s", registry.ErrDigestMismatch, digest, named))
	}
	// What the bytes say themselves is covered by the digest, unlike the header.
	mediaType := declaredType(body, also)
	if mediaType == "" {
		mediaType = mediaTypeOf(header.Get("Content-Type"), also)
	}
	if mediaType == "" && saysNothing(header.Get("Content-Type")) {
		mediaType = mediaTypeOf(string(oci.TypeOf(body)), also)
	}
	if mediaType == "" {
		return oci.Manifest{}, c.transport.Failure(request, fmt.Errorf("%w: media type %q",
			registry.ErrUnknownType, c.transport.Printable(header.Get("Content-Type"))))
	}
	return oci.Manifest{Descriptor: v1.Descriptor{MediaType: mediaType, Digest: digest, Size: int64(len(body))}, Body: body}, nil
}

// digestOf is a manifest's digest, by the algorithm under which it was asked for, and by
// SHA-256 where that was a tag. It fails where the manifest was asked for by another digest.
func digestOf(body []byte, reference string) (v1.Hash, error) {
	if !strings.Contains(reference, ":") {
		digest, _, err := v1.SHA256(bytes.NewReader(body))
		return digest, err
	}
	want, err := v1.NewHash(reference)
	if err != nil {
		return v1.Hash{}, err
	}
	hasher, err := v1.Hasher(want.Algorithm)
	if err != nil {
		return v1.Hash{}, err
	}
	hasher.Write(body) // never fails, see hash.Hash
	got := v1.Hash{Algorithm: want.Algorithm, Hex: hex.EncodeToString(hasher.Sum(nil))}
	if got != want {
		return v1.Hash{}, fmt.Errorf("%w: got %s, want %s", registry.ErrDigestMismatch, got, want)
	}
	return got, nil
}

// differs tells that two digests cannot be of the same content.
func differs(a, b v1.Hash) bool { return a.Algorithm == b.Algorithm && a != b }

// declaredType is the media type that a manifest names itself.
func declaredType(body []byte, also []types.MediaType) types.MediaType {
	var manifest struct {
		MediaType string `json:"mediaType"`
	}
	if jsonlimit.Unmarshal(body, &manifest) != nil {
		return ""
	}
	return mediaTypeOf(manifest.MediaType, also)
}

// PushManifest implements registry.Target.
func (c *Client) PushManifest(ctx context.Context, repository, reference string, manifest oci.Manifest) (listed bool, err error) {
	request := c.manifestRequest(http.MethodPut, "putting manifest", repository, reference)
	request.Need.Push = true
	request.Header = http.Header{"Content-Type": {string(manifest.Descriptor.MediaType)}}
	request.Body = func() (io.Reader, error) { return bytes.NewReader(manifest.Body), nil }
	request.Size = int64(len(manifest.Body))
	request.Accept = []int{http.StatusCreated, http.StatusOK, http.StatusAccepted}
	pauses := blobPauses
	if manifest.Descriptor.MediaType.IsIndex() { // of which images stay behind that registries may want
		pauses = pauses[:1]
	}
	resp, err := c.doPatiently(ctx, request, pauses)
	if err != nil && !c.took.Load() { // else it may be this manifest alone that it does not take
		err = c.transport.Failure(request, readOnly(err))
	}
	if err != nil {
		return false, err
	}
	resp.Drain()
	c.took.Store(true)
	got, err := v1.NewHash(resp.Header.Get("Docker-Content-Digest"))
	switch {
	case err != nil:
		if err := c.confirm(ctx, repository, reference); err != nil {
			return false, c.transport.Failure(request, err)
		}
	case differs(got, manifest.Descriptor.Digest):
		return false, c.transport.Failure(request, fmt.Errorf("%w: the registry stored %s, want %s", registry.ErrDigestMismatch, got, manifest.Descriptor.Digest))
	}
	c.rememberTag(repository, reference)
	return resp.Header.Get("OCI-Subject") != "", nil
}

// confirm looks for a manifest that the registry has taken without saying as what: registries name the
// digest, and what says yes to everything may be no registry, or a proxy before one that is away. A
// registry that does not let look is believed.
func (c *Client) confirm(ctx context.Context, repository, reference string) error {
	retry := c.transport.NewRetry("looking for what was put " + c.refOf(repository, reference))
	for _, pause := range append(blobPauses[:2:2], 0) {
		_, err := c.Resolve(ctx, repository, reference)
		if !errors.Is(err, registry.ErrNotFound) {
			return ctx.Err() // another digest under a tag may be another's, put since
		}
		if pause == 0 {
			break
		}
		if err := retry.Pause(ctx, err, pause); err != nil {
			return err
		}
	}
	return fmt.Errorf("%w: the registry has taken it, and does not have it", registry.ErrNotFound)
}

// Ping checks that the registry answers and accepts the credentials. It is one request,
// or two where a token is needed.
func (c *Client) Ping(ctx context.Context) error {
	request := transport.Request{
		Op: "logging in to", Ref: c.Host(), Method: http.MethodGet, Path: "/v2/", Accept: []int{http.StatusOK},
	}
	resp, err := c.transport.Do(ctx, request)
	var status *transport.StatusError
	if errors.As(err, &status) && (status.Code == http.StatusNotFound || status.Code == http.StatusMethodNotAllowed) {
		return c.transport.Failure(request, fmt.Errorf("%w: its /v2/ answers %w", registry.ErrNoRegistry, status))
	}
	if err != nil {
		return err
	}
	resp.Drain()
	return nil
}
