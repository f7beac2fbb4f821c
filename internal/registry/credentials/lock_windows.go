package credentials

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile waits until nobody else holds the file. Closing it gives it back.
func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK, 0, 1, 0, new(windows.Overlapped))
}
