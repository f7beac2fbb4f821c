package credentials

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/heed"
)

// alone does something to docker's config file while no other pgrelocate changes it: each
// reads it, changes it and writes it whole, so that of two at once one would lose its login.
// Where ctx ends it does not wait, for others, for a helper or for a file that is a pipe.
func alone[T any](ctx context.Context, change func() (T, error)) (done T, err error) {
	name, err := DockerFile()
	if err != nil {
		return done, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return done, err
	}
	release, err := files.Guard(ctx, name, nil)
	if err != nil {
		return done, fmt.Errorf("locking %s: %w", name, err)
	}
	return heed.Call(ctx, func() (T, error) {
		defer release() // not before the change is made, whoever still waits for it
		return change()
	})
}
