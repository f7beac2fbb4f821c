// Package registrytest is what the copy engine is tested, tormented and measured with.
//
// Debian and Distribution run real registries, with TLS, accounts and tokens as Options
// say; Crane runs the small one that crane has, and InProcess the same in the test's own
// process. Front puts handlers before any of them: a Counter, or what the room faults has, each of
// which is a small Middleware that makes one thing go wrong.
//
//	source := registrytest.Debian(t, registrytest.Options{})
//	var counter registrytest.Counter
//	front := registrytest.Front(t, source, counter.Wrap,
//		faults.CutDownloads(faults.Cut{After: 25 << 20, Times: 1}))
package registrytest
