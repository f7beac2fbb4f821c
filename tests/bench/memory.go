package main

import (
	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// memory copies one image with a very large layer, over plain HTTP and over TLS.
func (b *bench) memory() {
	f := b.seed(families.Single(b.opts.largeLayer))
	for _, secure := range []bool{false, true} {
		b.scoped(func() {
			options := registrytest.Options{TLS: secure}
			sourceOptions := options
			sourceOptions.Root, sourceOptions.ReadOnly = f.Root, true
			source := b.startWire(b.opts.source, sourceOptions)
			for _, t := range b.tools {
				if !t.oneImage || b.ctx.Err() != nil {
					continue
				}
				b.scoped(func() {
					target := b.startWire(b.opts.target, options)
					s := b.copyOver(t, f, source, target, secure)
					b.Logf("  %-12s TLS %v: %.1f MiB resident, %.1f of its own, %.2f s, %.2f CPU seconds", t.name, secure, s.Largest, s.Own, s.Wall, s.CPU)
					b.report.Memory = append(b.report.Memory, figures.MemoryRow{Tool: t.name, Ours: t.ours, TLS: secure, Sample: s})
				})
			}
		})
	}
}
