package main

import "github.com/pgrelocate/pgrelocate/internal/registry/registrytest"

// tls copies the family between registries that speak TLS: with HTTP/1.1 only, and with
// HTTP/2 on offer, which puts all blobs of a host on one connection where it is taken.
func (b *bench) tls() {
	f := b.seed(newFamily(b.opts.scale))
	for _, variant := range []struct {
		name  string
		http1 bool
	}{{"HTTP/1.1", true}, {"HTTP/2 on offer", false}} {
		b.Logf("TLS, %s", variant.name)
		b.scoped(func() {
			options := registrytest.Options{TLS: true, HTTP1: variant.http1}
			sourceOptions := options
			sourceOptions.Root, sourceOptions.ReadOnly = f.Root, true
			source := b.startWire(b.opts.source, sourceOptions)
			for _, t := range b.tools {
				if !t.ours && t.name != "crane, 8 at a time" && t.name != "regsync" {
					continue
				}
				row := toolRow{&speedRow{Tool: t.name + ", " + variant.name, Ours: t.ours}, t}
				for range b.opts.runs {
					b.coldAndWarm(row, f, source, true, options)
				}
				b.report.TLS = append(b.report.TLS, row.speedRow)
			}
		})
	}
}
