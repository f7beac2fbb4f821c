package main

import (
	"time"

	"github.com/pgrelocate/pgrelocate/tests/bench/families"
)

// wireLimit is what the links allow a cold copy at best, for a client whose time costs
// nothing:
//
//	2 RTT of the source      its handshake, and the manifests, asked for all at once
//	1 RTT of the source      the first blobs, asked for all at once
//	the larger of            all bytes at the bandwidth of the link, and
//	                         the largest blob at the bandwidth of one connection
//	2 RTT of the target      the last blob is confirmed, the last manifest is put
//
// What the target has to be asked first passes beside the source's first round trips.
func wireLimit(f *families.Family, opts *options) time.Duration {
	bytes := max(
		pass(f.Unique()+f.Manifests, opts.source.Bandwidth),
		pass(f.Blobs[0].Size, opts.source.PerConnection),
	)
	return 3*opts.source.RTT + bytes + 2*opts.target.RTT
}

// warmLimit is the same for a copy that finds everything there: both sides are asked for
// all tags at once.
func warmLimit(opts *options) time.Duration {
	return 2 * max(opts.source.RTT, opts.target.RTT)
}

func pass(n, bandwidth int64) time.Duration {
	if bandwidth <= 0 {
		return 0
	}
	return time.Duration(float64(n) / float64(bandwidth) * float64(time.Second))
}
