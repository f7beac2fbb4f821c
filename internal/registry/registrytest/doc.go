// Package registrytest is what the copy engine is tormented and measured with: faults
// that stand round a registry as HTTP handlers, and a Link that makes loopback as slow
// and as far away as a real network. All of it is deterministic; what is random takes
// a seed.
//
// A fault is put round a handler, which may be an in-process registry or a Forward to
// a real one:
//
//	record := &registrytest.Recorder{}
//	handler := registrytest.Wrap(registrytest.Forward(registry),
//		registrytest.CutDownloads(registrytest.Cut{After: 25 << 20, Times: 1}),
//		record.Fault())
//	server := httptest.NewServer(handler)
package registrytest
