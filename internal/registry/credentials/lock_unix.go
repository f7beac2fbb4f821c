//go:build unix

package credentials

import (
	"os"
	"syscall"
)

// lockFile waits until nobody else holds the file. Closing it gives it back.
func lockFile(f *os.File) error {
	for {
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != syscall.EINTR {
			return err
		}
	}
}
