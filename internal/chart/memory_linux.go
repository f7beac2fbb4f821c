//go:build !race

package chart

import "golang.org/x/sys/unix"

// beyond is what the runtime may have mapped besides: arenas that are not full, stacks of threads.
const beyond = 128 << 20

// boundMemory has the kernel refuse this process more memory than most, and a little: it would
// otherwise take gigabytes between two looks at what it has. An error leaves it to the looks.
func boundMemory(most int64) {
	limit := uint64(most + beyond)
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: limit, Max: limit})
}
