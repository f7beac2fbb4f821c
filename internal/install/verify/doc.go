// Package verify holds a cluster against what helm recorded of a release: do its workloads run,
// can every image that it offers be pulled, and is the pull secret where it is needed.
//
// Run gives a Check, whose Problems are everything that is wrong. Nothing is changed, but for
// the pods of Options.Pull, which are removed again.
package verify
