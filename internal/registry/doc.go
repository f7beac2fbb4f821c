// Package registry says what moving OCI content takes of both sides: Source and Target, the
// errors by which they are told apart, and the meters that a run fills. Package remote
// implements the two for registries, package bundle for files; package plan asks both what
// there is and what is missing, and package transfer carries a plan out.
//
// Nothing here prints: progress goes to a Meter, failures to errors that name the operation
// and the side.
package registry
