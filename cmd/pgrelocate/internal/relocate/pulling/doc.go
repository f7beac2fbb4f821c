// Package pulling holds the use cases about what a cluster pulls with: its credentials for the private
// registry, and the pull secrets that hold them, made, printed and kept.
package pulling
