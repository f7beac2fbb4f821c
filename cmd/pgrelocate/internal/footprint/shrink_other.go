//go:build !linux

package footprint

// Shrink does nothing on this system.
func Shrink() {}
