package locking

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/registry/lock"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// PathsOf are the locks of several registries, for the setting of that name: each has a file of its own,
// see config.FileOf. One that is the lock of the file that is named, for it was alone once, keeps
// that. Where none is named and none lies in the working directory, there are none; found tells that
// they were found there.
func PathsOf(named string, registries []ref.Folder) (paths []string, found bool) {
	if named == config.NoLock {
		return slices.Repeat([]string{config.NoLock}, len(registries)), false
	}
	base := named
	if base == "" {
		base = config.LocalLock
		own := func(r ref.Folder) bool { return isFile(config.FileOf(base, r)) }
		if found = isFile(base) || slices.ContainsFunc(registries, own); !found {
			return slices.Repeat([]string{config.NoLock}, len(registries)), false
		}
	}
	was, taken := readAny(base), false
	for _, r := range registries {
		path := config.FileOf(base, r)
		if !taken && was != nil && isOf(was, r) && !isFile(path) {
			path, taken = base, true
		}
		paths = append(paths, path)
	}
	return paths, found
}

// readAny is the lock in a file; nil where there is none, or something else.
func readAny(path string) *lock.Lock {
	body, err := files.ReadRegular(path, lock.MaxSize)
	if err != nil {
		return nil
	}
	found, err := lock.Parse(body)
	if err != nil || found.Planned {
		return nil
	}
	return found
}
