package registry

import "sync/atomic"

// Meter counts what a run has done. Its fields only grow, so that what is shown of
// them never goes backwards. The zero value is ready; it is safe for concurrent use.
type Meter struct {
	// BytesTotal is what has to arrive at the target, known once the plan is.
	BytesTotal atomic.Int64
	// BytesDone is how much of it has arrived; what is sent again does not count twice.
	BytesDone atomic.Int64
	// ArtifactsTotal and ArtifactsDone count artifacts; failed ones are done too.
	ArtifactsTotal atomic.Int64
	ArtifactsDone  atomic.Int64
	// ArtifactsFailed are those of ArtifactsDone that failed.
	ArtifactsFailed atomic.Int64
}

// Traffic is what went over the wire to one registry. The zero value is ready; it is
// safe for concurrent use.
type Traffic struct {
	// Requests counts every HTTP request, those for tokens too; AuthRequests only those.
	Requests     atomic.Int64
	AuthRequests atomic.Int64
	// BytesRead and BytesWritten count bodies, in bytes.
	BytesRead    atomic.Int64
	BytesWritten atomic.Int64
	// Retries counts requests that were tried again and reads that were continued.
	Retries atomic.Int64
}

// Counts is a Traffic at one moment.
type Counts struct {
	Requests, AuthRequests, BytesRead, BytesWritten, Retries int64
}

// Counts reads what has been counted so far.
func (t *Traffic) Counts() Counts {
	return Counts{
		Requests: t.Requests.Load(), AuthRequests: t.AuthRequests.Load(),
		BytesRead: t.BytesRead.Load(), BytesWritten: t.BytesWritten.Load(), Retries: t.Retries.Load(),
	}
}
