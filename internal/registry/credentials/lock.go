package credentials

import (
	"fmt"
	"os"
	"path/filepath"
)

// alone does something to docker's config file while no other pgrelocate changes it: each
// reads it, changes it and writes it whole, so that of two at once one would lose its login.
// The lock is a file beside it that stays; the system gives it back when its holder ends.
func alone(change func() error) (err error) {
	name, err := DockerFile()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(name+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("locking %s: %w", name, err)
	}
	defer lock.Close()
	if err := lockFile(lock); err != nil {
		return fmt.Errorf("locking %s: %w", name, err)
	}
	return change()
}
