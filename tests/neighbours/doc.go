// Package neighbours holds what `pgrelocate export` writes against what reads it: the tools themselves,
// skopeo and regsync, between real registries; Flux's own types; the schema of Argo CD's custom resource. It is a
// module of its own, so that none of these is in the program's. `make test-neighbours` runs it.
package neighbours
