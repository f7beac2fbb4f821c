package main

import (
	"fmt"

	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
)

func newReport(opts *options) *figures.Report {
	return figures.New(figures.Setting{
		Registry: opts.registry, Scale: opts.scale, Runs: opts.runs,
		Source: fmt.Sprintf("%v round trip, %d MiB/s in all, %d MiB/s a connection",
			opts.source.RTT, opts.source.Bandwidth/mib, opts.source.PerConnection/mib),
		Target: fmt.Sprintf("%v round trip", opts.target.RTT),
	}, figures.Asked{
		Flags: opts.asked, LargeLayer: opts.largeLayer, FaultLayer: opts.faultLayer,
		FaultTimeout: opts.faultTimeout, TargetRTT: opts.target.RTT,
	})
}

// describe tells the report of the family that is copied in most parts.
func (b *bench) describe(f *families.Family) {
	repositories := map[string]bool{}
	for _, a := range f.Spec.Artifacts {
		repositories[a.Repository] = true
	}
	b.report.Family = &figures.Family{
		Artifacts: len(f.Spec.Artifacts), Blobs: len(f.Blobs), Places: f.Places, Unique: f.Unique(), Manifests: f.Manifests,
		Repositories: len(repositories),
		ColdLimit:    wireLimit(f, b.opts).Seconds(), WarmLimit: warmLimit(b.opts).Seconds(),
	}
}
