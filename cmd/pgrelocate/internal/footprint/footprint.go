// Package footprint keeps small what the system says that the program uses.
//
// Half of a run's resident memory would otherwise be pages of the program's own file that
// only the initialisation of its packages has touched: the kernel maps sixteen around
// each that is used, and Kubernetes' API types are many. They are clean copies of the file:
// what is needed again is mapped again, from the page cache.
package footprint

import (
	// Packages are initialised after those that they import, and else in the order of their
	// paths. With this one imported, init below runs between what Helm needs and the API types,
	// which halves the peak.
	_ "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func init() { Shrink() } //nolint:gochecknoinits // when it runs is its purpose
