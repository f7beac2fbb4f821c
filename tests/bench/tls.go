package main

import (
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

// tlsTools are those that part tls measures: ours, what copies in parallel, and the leanest.
var tlsTools = []string{"pgrelocate", figures.BaselineName, "crane, 8 at a time", "crane", "regsync"}

// tls copies the family between registries that speak TLS: with HTTP/1.1 only, and with
// HTTP/2 on offer, which puts all blobs of a host on one connection where it is taken.
func (b *bench) tls() {
	f := b.seed(families.New(b.opts.scale))
	variants := []struct {
		name  string
		http1 bool
		rows  []toolRow
	}{{name: "HTTP/1.1", http1: true}, {name: "HTTP/2 on offer"}}
	for i := range variants {
		for _, t := range b.tools {
			if slices.Contains(tlsTools, t.name) {
				row := toolRow{&figures.SpeedRow{Tool: t.name + ", " + variants[i].name, Ours: t.ours}, t}
				variants[i].rows = append(variants[i].rows, row)
				b.report.TLS = append(b.report.TLS, row.SpeedRow)
			}
		}
	}
	for range b.opts.runs { // in turn, as in part speed
		for _, variant := range variants {
			b.scoped(func() {
				target := registrytest.Options{TLS: true, HTTP1: variant.http1}
				source := target
				source.Root, source.ReadOnly = f.Root, true
				wire := b.startWire(b.opts.source, source)
				for _, row := range variant.rows {
					b.coldAndWarm(row, f, wire, true, target)
				}
			})
		}
	}
}
