// Package bundle keeps OCI content in a file that crosses an air gap.
//
// A bundle is an OCI image layout in a plain tar: other tools read it, and theirs are
// read here. Beside what the layout asks for it holds a lock, which names every artifact
// by digest. docs/bundle-format.md is the full description.
//
// Write makes a bundle from a Content. Open reads one, also as a directory, in volumes,
// or as an archive of the docker kind; what it returns is a registry.Source, so that the
// ordinary copy engine loads it. Verify holds every byte against its digest.
//
// Nothing of a bundle is trusted before Verify has passed: names, sizes and links are
// checked while it is opened, and no more than a few megabytes of it are ever in memory.
package bundle
