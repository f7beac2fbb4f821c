//go:build !race

package chart

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// beyond is what the runtime may map besides: arenas that are not full, stacks of threads.
const beyond = 128 << 20

// boundMemory has the kernel refuse this process more memory than most, and a little: it would
// otherwise take gigabytes between two looks at what it has. The bound is on addresses, beyond those that
// are in use now: Linux lets a reservation turn into memory whatever the bound on data is. An error leaves it
// to the looks.
func boundMemory(most int64) {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return
	}
	var pages uint64
	if _, err := fmt.Sscan(string(statm), &pages); err != nil {
		return
	}
	limit := pages*uint64(os.Getpagesize()) + uint64(most+beyond)
	_ = unix.Setrlimit(unix.RLIMIT_AS, &unix.Rlimit{Cur: limit, Max: limit})
}
