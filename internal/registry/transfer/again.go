package transfer

import "slices"

// Again takes over the results of a second copy, of artifacts that failed in the first: what is
// said of them is what the second has come to. Bytes, blobs and time add up.
func (r *Tally) Again(second *Tally) {
	for _, result := range second.Results {
		at := slices.IndexFunc(r.Results, func(first Result) bool { return first.Target == result.Target && first.Err != nil })
		if at < 0 {
			continue
		}
		r.Results[at] = result
		r.Failed--
	}
	r.Copied += second.Copied
	r.Present += second.Present
	r.Skipped += second.Skipped
	r.Failed += second.Failed
	r.Incomplete += second.Incomplete
	r.BytesFetched += second.BytesFetched
	r.BytesSent += second.BytesSent
	r.BlobsUploaded += second.BlobsUploaded
	r.BlobsMounted += second.BlobsMounted
	r.BlobsPresent += second.BlobsPresent
	r.Duration += second.Duration
}
