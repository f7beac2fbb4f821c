//go:build unix

package files

import "golang.org/x/sys/unix"

// NoFollow is a flag for os.OpenFile that lets it fail for a link.
const NoFollow = unix.O_NOFOLLOW
