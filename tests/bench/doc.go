// Bench measures pgrelocate beside the tools that people use today, in one run, on one
// machine, between real registries.
//
// A family of images with the layer sharing of a release is put into a source registry
// that stands behind a shaped link; each tool copies it into an empty target registry
// (cold) and then once more (warm). Every tool is a process of its own: what it costs is
// what the kernel accounts for it and for its children. Further parts hold the tools
// against faults, a storm of them, TLS and a very large layer.
//
// Run it with `make bench`; docs/performance.md explains what it prints. --help lists the
// flags, --scale 0.02 --n 1 is a look at how it works that takes a minute.
package main
