// Package airgap_test carries releases across a gap: from a real registry into a bundle,
// and from the bundle into another real registry, with the program as users have it. It
// also hands bundles to other tools, and theirs to the program.
package airgap_test
