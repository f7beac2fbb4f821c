// Package registry moves OCI content. Plan asks both sides what there is and what
// is missing; Copy carries a plan out. Both work on the two small interfaces Source
// and Target; package remote implements them for registries, package bundle for files.
//
// Nothing here prints: progress goes to a Meter, events to Hooks, failures to errors
// that name the operation and the side.
package registry
