// Package install takes a cluster from nothing to an operator that runs from the private
// registry, and takes everything away again but the databases.
//
// Run installs, as the list of named steps in run.go says; Uninstall removes. What makes a release
// ready to install is in package preparation, what they need of a cluster in package cluster, of helm
// in package helm, and what holds an installation against its release in package verify.
//
// Nothing here prints: progress goes to Hooks, results are values, and failures are errors
// whose types hold the cause. A run that ends early is a *Failure, which says what is left.
package install
