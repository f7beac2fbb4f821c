// Package airgap holds the commands for sites that no machine connects: bundles.
package airgap
