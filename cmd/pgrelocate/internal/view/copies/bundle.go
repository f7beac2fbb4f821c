package copies

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	locked "github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// Bundle is the result of `pgrelocate bundle inspect` and `bundle verify`.
type Bundle struct {
	output.Header
	Artifacts []bundledView `json:"artifacts"`
	// Attachments counts the signatures, SBOMs and other referrers.
	Attachments int `json:"attachments"`
	// Blobs and BlobBytes are those in the bundle, ManifestBytes the manifests beside them.
	Blobs         int   `json:"blobs"`
	BlobBytes     int64 `json:"blobBytes"`
	ManifestBytes int64 `json:"manifestBytes"`
	// OmittedBlobs are left out because the other side has them.
	OmittedBlobs int   `json:"omittedBlobs"`
	OmittedBytes int64 `json:"omittedBytes"`
	// Signed says that there is a signature.
	Signed bool `json:"signed"`
	// Checked says that the public key that was given accepts the signature.
	Checked bool `json:"signatureChecked"`
	// Verified says that every byte was held against its digest.
	Verified bool             `json:"verified"`
	List     []bundleBlobView `json:"blobList,omitempty"`
	brief    bool
}

type bundledView struct {
	view.Artifact
	Digest    string `json:"digest"`
	MediaType string `json:"mediaType"`
	// Size is the bytes of the artifact's distinct blobs, whether they are shared or omitted.
	Size int64 `json:"size"`
	// Platforms are those of an index's images; of an image alone nobody has asked.
	Platforms []string `json:"platforms,omitempty"`
	// Left are the digests of what its index names and is not here on purpose.
	Left []string `json:"left,omitempty"`
}

type bundleBlobView struct {
	Digest       string   `json:"digest"`
	Size         int64    `json:"size"`
	Repositories []string `json:"repositories"`
	Omitted      bool     `json:"omitted,omitempty"`
}

// BundleOptions say what a Bundle shows besides the artifacts.
type BundleOptions struct {
	// Blobs lists the blobs too.
	Blobs bool
	// Brief shortens the digests in the table: whole ones are wider than a terminal.
	Brief bool
}

// NewBundle shows what is in a bundle.
func NewBundle(b *bundle.Bundle, opts BundleOptions) Bundle {
	lock := b.Lock()
	made := Bundle{
		Header:      output.NewHeader("Bundle"),
		Artifacts:   []bundledView{},
		Attachments: len(lock.Attachments),
		Signed:      b.Signed(),
		brief:       opts.Brief,
	}
	artifacts := slices.SortedStableFunc(slices.Values(lock.Artifacts), func(a, b locked.Artifact) int { return relocate.Order(a.Artifact, b.Artifact) })
	for _, a := range artifacts {
		shown := bundledView{
			Artifact: view.NewArtifact(a.Artifact),
			Digest:   a.Digest.String(), MediaType: string(a.MediaType), Size: b.SizeOf(a.Digest), Platforms: a.Platforms,
		}
		for _, digest := range a.Left {
			shown.Left = append(shown.Left, digest.String())
		}
		made.Artifacts = append(made.Artifacts, shown)
	}
	for _, blob := range lock.Blobs {
		if blob.Omitted {
			made.OmittedBlobs++
			made.OmittedBytes += blob.Size
		} else {
			made.Blobs++
			made.BlobBytes += blob.Size
		}
		if opts.Blobs {
			made.List = append(made.List, bundleBlobView{
				Digest: blob.Digest.String(), Size: blob.Size, Repositories: blob.Repositories, Omitted: blob.Omitted,
			})
		}
	}
	made.ManifestBytes = b.Size() - made.BlobBytes
	return made
}

// WriteTable writes a line for each artifact, and the sums.
func (v Bundle) WriteTable(w io.Writer) error {
	targets := make([]string, len(v.Artifacts))
	for i, a := range v.Artifacts {
		targets[i] = a.Target
	}
	common := ref.Common(targets)
	grid := output.NewGrid("RELEASE", "KIND", "SIZE", "ARTIFACT", "DIGEST").Right(2)
	for _, a := range v.Artifacts {
		grid.Row(a.Release, a.Role, output.Bytes(a.Size), output.Within(common, a.Target), v.digest(a))
	}
	if _, err := grid.WriteTo(w); err != nil {
		return err
	}
	for _, b := range v.List {
		word := ""
		if b.Omitted {
			word = "  (left out)"
		}
		if _, err := fmt.Fprintf(w, "%s %d%s\n", b.Digest, b.Size, word); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", v.summary())
	return err
}

func (v Bundle) digest(a bundledView) string {
	if !v.brief {
		return a.Digest
	}
	return strings.TrimPrefix(view.ShortDigest(a.Digest), "sha256:")
}

// sparse says which indexes have not all of their images; empty where all have.
func (v Bundle) sparse() string {
	count := 0
	var platforms []string
	for _, a := range v.Artifacts {
		if len(a.Left) == 0 {
			continue
		}
		count++
		for _, name := range a.Platforms {
			if !slices.Contains(platforms, name) {
				platforms = append(platforms, name)
			}
		}
	}
	if count == 0 {
		return ""
	}
	slices.Sort(platforms)
	return fmt.Sprintf("\n%s the images for %s alone, on purpose", english.Plural(count, "index has", "indexes have"), strings.Join(platforms, " and "))
}

func (v Bundle) summary() string {
	text := fmt.Sprintf("%s, %s: %s in %s", output.Count(len(v.Artifacts), "artifact"),
		output.Count(v.Attachments, "attachment"), output.Bytes(v.BlobBytes+v.ManifestBytes), output.Count(v.Blobs, "blob"))
	if v.OmittedBlobs > 0 {
		text += fmt.Sprintf("\na delta: the other side has to hold %s, %s", output.Count(v.OmittedBlobs, "blob"), output.Bytes(v.OmittedBytes))
	}
	text += v.sparse()
	switch {
	case v.Checked:
		text += "\nsigned with the key that was given"
	case v.Signed:
		text += "\nsigned; --public-key checks by whom"
	}
	if v.Verified {
		text += "\nevery byte is right"
	}
	return text
}
