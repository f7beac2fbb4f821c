package advice

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/archive"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/volumes"
	"github.com/pgrelocate/pgrelocate/internal/registry/bundle/write"
)

func TestBundles(t *testing.T) {
	open := func(err error) error {
		return &bundle.OpenError{Name: "pg.tar", Err: fmt.Errorf("something: %w", err)}
	}
	saving := func(err error) error {
		return fmt.Errorf("saving: %w", &write.BundleError{Path: "pg.tar", Err: fmt.Errorf("something: %w", err)})
	}
	tests := []struct {
		name string
		err  error
		want string // part of the hint; empty for none
	}{
		{"a volume is missing", open(volumes.ErrMissing), "pgrelocate load FILE FILE"},
		{"a volume that is missing at the end", open(fmt.Errorf("%w: %w", volumes.ErrMissing, archive.ErrTruncated)), "pgrelocate load FILE FILE"},
		{"volumes of two bundles", open(archive.ErrMixed), "another bundle"},
		{"truncated", open(archive.ErrTruncated), "sha256sum -c"},
		{"no room for a pipe", open(syscall.ENOSPC), "--spool-dir"},
		{"no room for what is compressed", open(archive.ErrNoSpace), "--spool-dir"},
		{"no name", open(bundle.ErrNoName), "--name"},
		{"not a bundle", open(archive.ErrNoArchive), ""},
		{"it is there", saving(os.ErrExist), "--overwrite"},
		{"it is a folder", saving(write.ErrFolder), "name a file in it"},
		{"something that looks like a volume", saving(write.ErrStray), "move that file away"},
		{"too large for the disk", saving(write.ErrNoSpace), "fewer versions"},
		{"the disk is full", saving(syscall.ENOSPC), "goes on from here"},
		{"the file is too large for the disk", saving(syscall.EFBIG), "--volume-size"},
		{"another save", saving(write.ErrBusy), ""},
		{"a delta whose base is not there", &registry.Error{Op: "loading delta", Err: bundle.ErrIncomplete}, "--since"},
		{"a bundle that goes elsewhere", &bundle.OutsideError{Name: "pg.tar", Repositories: []string{"platform/base"}}, "--any-target"},
		{"a key behind another password", fmt.Errorf("reading: %w", bundle.ErrPassword), "PGRELOCATE_SIGNING_PASSWORD"},
		{"something else", errors.New("else"), ""},
	}
	for _, tt := range tests {
		got := For(tt.err)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: For(%v) = %q, want %q in it", tt.name, tt.err, got, tt.want)
		}
	}
}
