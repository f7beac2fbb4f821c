//go:build !linux

package chart

// boundMemory does nothing: what the process has is only looked at, every few milliseconds.
func boundMemory(int64) {}
