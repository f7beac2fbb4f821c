package checkup

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/finding"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

func (e *examination) depositing() []finding.Probe {
	if e.Write < Manifests || e.Side != registry.SideTarget {
		return nil
	}
	return []finding.Probe{e.unless("manifest", e.deposit)}
}

// deposit is a small image of our own.
type deposit struct {
	*examination
	repository string
	config     v1.Descriptor
	content    []byte
	manifest   oci.Manifest
	// blob and image say that something may have been put.
	blob, image bool
}

// deposit puts a small image by its digest, reads it, and deletes it.
func (e *examination) deposit(ctx context.Context) (found finding.Finding) {
	d := &deposit{examination: e, repository: e.place()}
	if d.repository == "" {
		return finding.Skipf("nothing is selected")
	}
	if err := d.make(); err != nil {
		return finding.Failure(err)
	}
	e.Told(fmt.Sprintf("putting an image of %d bytes into %s/%s, without a tag, and deleting it: its manifest is %s, its blob %s",
		len(d.manifest.Body)+len(d.content), e.Client.Host(), d.repository, d.manifest.Descriptor.Digest, d.config.Digest))
	defer func() { found = d.remove(ctx, found) }()
	if err := d.put(ctx); err != nil {
		return e.refused(d.repository, err)
	}
	e.stored = true
	return finding.Okf("%s takes a small image, gives it back, and deletes it", d.repository)
}

// make makes an image that nobody has.
func (d *deposit) make() error {
	d.content = []byte(fmt.Sprintf(`{"architecture":"","os":"","rootfs":{"type":"layers","diff_ids":[]},"config":{"Labels":{"checkup":%q}}}`, rand.Text()))
	digest, size, err := v1.SHA256(bytes.NewReader(d.content))
	if err != nil {
		return err
	}
	d.config = v1.Descriptor{MediaType: types.OCIConfigJSON, Digest: digest, Size: size}
	body, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2, MediaType: types.OCIManifestSchema1, Config: d.config, Layers: []v1.Descriptor{},
	})
	if err != nil {
		return err
	}
	d.manifest, err = oci.New(types.OCIManifestSchema1, body)
	return err
}

func (d *deposit) put(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	finishing, cancel := finishing(ctx)
	defer cancel()
	_, err := d.Client.PushBlob(finishing, d.repository, d.config, small(d.content), false)
	if d.blob = !refusal(err); err != nil {
		return err
	}
	digest := d.manifest.Descriptor.Digest.String()
	_, err = d.Client.PushManifest(finishing, d.repository, digest, d.manifest)
	if d.image = !refusal(err); err != nil {
		return err
	}
	_, err = d.Client.Manifest(ctx, d.repository, digest)
	return err
}

// refusal tells an error after which nothing can have been put.
func refusal(err error) bool {
	return errors.Is(err, registry.ErrUnauthorized) || errors.Is(err, registry.ErrForbidden) || errors.Is(err, registry.ErrNotFound)
}

// remove deletes whatever was put, though whoever asked may have gone, and says what stays.
func (d *deposit) remove(ctx context.Context, found finding.Finding) finding.Finding {
	ctx, cancel := finishing(ctx)
	defer cancel()
	var stays []string
	for _, each := range []struct {
		put          bool
		what, digest string
		remove       func(context.Context, string, string) error
		there        func() (bool, error)
	}{
		{d.image, "the manifest", d.manifest.Descriptor.Digest.String(), d.Client.DeleteManifest, func() (bool, error) {
			_, err := d.Client.Resolve(ctx, d.repository, d.manifest.Descriptor.Digest.String())
			if errors.Is(err, registry.ErrNotFound) {
				return false, nil
			}
			return true, err
		}},
		{d.blob, "the blob", d.config.Digest.String(), d.Client.DeleteBlob, func() (bool, error) {
			return d.Client.HasBlob(ctx, d.repository, d.config)
		}},
	} {
		if !each.put {
			continue
		}
		err := each.remove(ctx, d.repository, each.digest)
		there, asked := each.there()
		switch {
		case asked == nil && !there: // gone, whatever the registry has said
		case err == nil:
			stays = append(stays, fmt.Sprintf("%s %s (the registry says that it has deleted it)", each.what, each.digest))
		default:
			stays = append(stays, fmt.Sprintf("%s %s (%s)", each.what, each.digest, essence(err)))
		}
	}
	if len(stays) == 0 {
		return found
	}
	found.Says += fmt.Sprintf("; in %s stays %s", d.repository, strings.Join(stays, ", "))
	if found.Status == finding.OK {
		found.Status, found.Remedy, found.About = finding.Warning, CleanUp, []string{d.repository}
	}
	return found
}

// small is a body in memory.
type small []byte

// From implements registry.Body.
func (s small) From(offset int64) (io.Reader, error) { return bytes.NewReader(s[offset:]), nil }
