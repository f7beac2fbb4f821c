package copies

import (
	"fmt"
	"io"
	"strings"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/ownimage"
)

// Self is the result of `pgrelocate self push`.
type Self struct {
	output.Header
	// Image is the image by its tag, Digest what that is.
	Image  string `json:"image"`
	Digest string `json:"digest"`
	// Platforms are those that it is for.
	Platforms []string `json:"platforms"`
	// Pushed is false where the registry had it.
	Pushed bool `json:"pushed"`
	// BytesSent are bytes of blobs on the wire.
	BytesSent int64 `json:"bytesSent"`
}

// NewSelf shows where the program's own image is.
func NewSelf(made *ownimage.Pushed) Self {
	at := made.Ref
	at.Digest = ""
	return Self{
		Header: output.NewHeader("Self"), Image: at.String(), Digest: made.Ref.Digest,
		Platforms: made.Platforms, Pushed: made.Copied.Copied > 0, BytesSent: made.Copied.BytesSent,
	}
}

// WriteTable writes the reference that manifests name, and what was moved for it.
func (v Self) WriteTable(w io.Writer) error {
	done := "was there"
	if v.Pushed {
		done = output.Bytes(v.BytesSent) + " sent"
	}
	_, err := fmt.Fprintf(w, "%s@%s\nfor %s; %s\n", v.Image, v.Digest, strings.Join(v.Platforms, ", "), done)
	return err
}
