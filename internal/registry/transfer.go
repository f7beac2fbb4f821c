package registry

import "sync/atomic"

// transfer counts the bytes of a run's blobs.
type transfer struct {
	fetched atomic.Int64 // read from sources, again after a break too
	sent    atomic.Int64 // handed to the target, again after a break too
	meter   *Meter
}

// progress notes bytes that have passed for the first time.
func (t *transfer) progress(n int64) {
	if t.meter != nil {
		t.meter.BytesDone.Add(n)
	}
}
