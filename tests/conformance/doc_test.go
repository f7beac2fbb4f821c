// Package conformance_test runs the distribution specification's own tests against the
// registries that the program brings: the one that serves a bundle, which is only read, and
// the demonstration's, which is pushed to.
package conformance_test
