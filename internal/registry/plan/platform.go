package plan

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
	"github.com/pgrelocate/pgrelocate/internal/registry/oci"
)

// PlatformError says that there is no image for a platform.
type PlatformError struct {
	// Want is what was asked for, "linux/arm64", or "linux/amd64 or linux/arm64".
	Want string
	// Have are the platforms that there are; it may be empty.
	Have []string
}

// Error is "there is no image for linux/s390x; there are linux/amd64, linux/arm64".
func (e *PlatformError) Error() string {
	text := "there is no image for " + e.Want
	if len(e.Have) > 0 {
		text += "; there is " + strings.Join(e.Have, ", ")
	}
	return text
}

// Index says what becomes of an index of images for several platforms.
type Index string

// The ways in which an index for several platforms is copied where Options.Platforms names some.
// The zero value means IndexAuto.
const (
	// IndexAuto is one platform's image alone under the index's tag; with several it is
	// IndexSparse.
	IndexAuto Index = "auto"
	// IndexSparse copies the index as it is, with its digest, and the wanted images of it. Some
	// registries refuse an index some of whose images are not there.
	IndexSparse Index = "sparse"
	// IndexWhole copies the index with all its images, if it has a wanted one.
	IndexWhole Index = "whole"
	// IndexStrip copies an index of our own making with the wanted images alone: its digest is
	// another than the vendor's, and so the vendor's signatures of it do not hold.
	IndexStrip Index = "strip"
)

func (o Options) auto() bool { return o.Index == "" || o.Index == IndexAuto }

// image is the one platform whose image takes the place of indexes; nil where they stay.
func (o Options) image() *v1.Platform {
	if len(o.Platforms) != 1 || !o.auto() {
		return nil
	}
	return &o.Platforms[0]
}

// sparse tells whether indexes stay as they are, with some of their images.
func (o Options) sparse() bool {
	return o.Index == IndexSparse && len(o.Platforms) > 0 || o.auto() && len(o.Platforms) > 1
}

// LeavesOut tells whether indexes are copied as they are, and some of their images are not.
func (o Options) LeavesOut() bool { return o.sparse() }

// changes tells whether an artifact may become another than its source has.
func (o Options) changes() bool {
	return len(o.Platforms) > 0 && (o.image() != nil || o.Index == IndexStrip)
}

// narrow takes what is wanted of an index, or wants an image to be for a wanted platform. What is
// no image at all, a chart for example, is for every platform. Left are the index's images that
// stay behind.
func (o Origin) narrow(ctx context.Context, top oci.Manifest, opts Options) (narrowed oci.Manifest, left map[v1.Hash]bool, err error) {
	links, err := oci.Parse(top)
	if err != nil {
		return oci.Manifest{}, nil, err
	}
	if !top.Descriptor.MediaType.IsIndex() {
		return top, nil, o.fits(ctx, links, opts.Platforms)
	}
	unwanted := opts.unwanted(links)
	links = opts.there(links)
	if platforms := links.Platforms(); len(platforms) == 0 || !hasWanted(links, unwanted) {
		return oci.Manifest{}, nil, &PlatformError{Want: platformNames(opts.Platforms), Have: platforms}
	}
	switch {
	case opts.image() != nil:
		for _, child := range links.Manifests {
			if child.Platform != nil && child.Platform.Satisfies(*opts.image()) {
				narrowed, err = o.manifest(ctx, child.Digest.String())
				return narrowed, nil, err
			}
		}
		return oci.Manifest{}, nil, &PlatformError{Want: platformNames(opts.Platforms), Have: links.Platforms()}
	case opts.Index == IndexStrip && len(unwanted) > 0:
		narrowed, err = strip(top, unwanted)
		return narrowed, nil, err
	case opts.sparse():
		return top, unwanted, nil
	default:
		return top, opts.absent(top), nil
	}
}

// there are an index's links without those to what the source does not have on purpose.
func (o Options) there(links *oci.Links) *oci.Links {
	if len(o.Left) == 0 {
		return links
	}
	some := *links
	some.Manifests = slices.DeleteFunc(slices.Clone(links.Manifests), func(child v1.Descriptor) bool { return o.Left[child.Digest] })
	return &some
}

// unwanted is what an index names and stays behind, for nobody wants its platform, or for the source
// does not have it.
func (o Options) unwanted(links *oci.Links) map[v1.Hash]bool {
	all := links.Unwanted(o.Platforms)
	for _, child := range links.Manifests {
		if o.Left[child.Digest] {
			all[child.Digest] = true
		}
	}
	return all
}

// absent is what an index names and the source does not have on purpose.
func (o Options) absent(top oci.Manifest) map[v1.Hash]bool {
	if len(o.Left) == 0 || !top.Descriptor.MediaType.IsIndex() {
		return nil
	}
	links, err := oci.Parse(top)
	if err != nil {
		return nil // said where it is walked
	}
	o.Platforms = nil
	return o.unwanted(links)
}

// hasWanted tells whether an index has an image that is wanted.
func hasWanted(links *oci.Links, unwanted map[v1.Hash]bool) bool {
	return slices.ContainsFunc(links.Manifests, func(child v1.Descriptor) bool {
		return child.Platform != nil && child.Platform.OS != "unknown" && !unwanted[child.Digest]
	})
}

func platformNames(platforms []v1.Platform) string {
	names := make([]string, len(platforms))
	for i, p := range platforms {
		names[i] = p.String()
	}
	return strings.Join(names, " or ")
}

// strip is an index without some of its manifests. Everything else about it stays, to the letter.
func strip(index oci.Manifest, unwanted map[v1.Hash]bool) (oci.Manifest, error) {
	var fields map[string]json.RawMessage
	var children []json.RawMessage
	if err := jsonlimit.Unmarshal(index.Body, &fields); err != nil {
		return oci.Manifest{}, err
	}
	if err := jsonlimit.Unmarshal(fields["manifests"], &children); err != nil {
		return oci.Manifest{}, err
	}
	kept := slices.DeleteFunc(children, func(child json.RawMessage) bool {
		var named struct {
			Digest v1.Hash `json:"digest"`
		}
		return json.Unmarshal(child, &named) == nil && unwanted[named.Digest]
	})
	var err error
	if fields["manifests"], err = json.Marshal(kept); err != nil {
		return oci.Manifest{}, err
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return oci.Manifest{}, err
	}
	digest, size, err := v1.SHA256(bytes.NewReader(body))
	if err != nil {
		return oci.Manifest{}, err
	}
	descriptor := index.Descriptor
	descriptor.Digest, descriptor.Size = digest, size
	return oci.Manifest{Descriptor: descriptor, Body: body}, nil
}

// mostConfigBytes is more than any image's config has.
const mostConfigBytes = 4 << 20

// fits tells whether an image is for a wanted platform. One that does not say fits.
func (o Origin) fits(ctx context.Context, links *oci.Links, platforms []v1.Platform) error {
	has, err := o.builtFor(ctx, links)
	if has == nil || err != nil || slices.ContainsFunc(platforms, has.Satisfies) {
		return err
	}
	return &PlatformError{Want: platformNames(platforms), Have: []string{has.String()}}
}

// builtFor reads which platform an image is for from its config; nil where that does not say.
func (o Origin) builtFor(ctx context.Context, links *oci.Links) (*v1.Platform, error) {
	if links.Config == nil || !links.Config.MediaType.IsConfig() || links.Config.Size > mostConfigBytes {
		return nil, nil
	}
	content, err := o.Source.Blob(ctx, o.Repository, *links.Config, 0, links.Config.Size)
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }()
	body, err := io.ReadAll(io.LimitReader(content, mostConfigBytes))
	if err != nil {
		return nil, fmt.Errorf("reading the config %s: %w", links.Config.Digest, err)
	}
	has := new(v1.Platform)
	if jsonlimit.Unmarshal(body, has) != nil || has.OS == "" || has.Architecture == "" {
		return nil, nil
	}
	return has, nil
}

// claims are the platforms that an index says its images are for; none of any other manifest.
func claims(top oci.Manifest) map[v1.Hash]v1.Platform {
	if !top.Descriptor.MediaType.IsIndex() {
		return nil
	}
	links, err := oci.Parse(top)
	if err != nil {
		return nil // said where it is walked
	}
	claimed := map[v1.Hash]v1.Platform{}
	for _, child := range links.Manifests {
		if child.Platform != nil && child.Platform.OS != "unknown" {
			claimed[child.Digest] = *child.Platform
		}
	}
	return claimed
}

// unlike warns of an image whose config says another platform than its index does: it is copied,
// for nodes go by the index, and they may not be able to run it. Many configs leave the variant out.
func (p *planner) unlike(ctx context.Context, a *Artifact, n oci.Node, claimed map[v1.Hash]v1.Platform) error {
	says, isClaimed := claimed[n.Descriptor.Digest]
	if !isClaimed || n.Descriptor.MediaType.IsIndex() {
		return nil
	}
	has, err := a.Origin.builtFor(ctx, n.Links)
	if err != nil || has == nil || has.OS == says.OS && has.Architecture == says.Architecture {
		return err
	}
	p.warn(fmt.Sprintf("%s: its index says that %s is for %s, and the image itself says %s: nodes may be unable to run it; ask the vendor",
		a.Source, n.Descriptor.Digest, says.String(), has.String()))
	return nil
}
