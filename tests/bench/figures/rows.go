package figures

// NoSignatures makes pgrelocate copy what its peers copy: nothing looks for signatures.
const NoSignatures = "--signatures=false"

// BaselineName is the tool that is pgrelocate as it was.
const BaselineName = "baseline"

// WithLock is pgrelocate's row where a lock says what is at the target.
const WithLock = " --lock"

// SpeedRow is one tool in part speed.
type SpeedRow struct {
	Tool string `json:"tool"`
	Ours bool   `json:"ours,omitempty"`
	// Unchecked is a tool that does not compute the digests of what it copies.
	Unchecked bool `json:"unchecked,omitempty"`
	// Bare is pgrelocate where it does not look for signatures, as no other tool does.
	Bare bool     `json:"bare,omitempty"`
	Cold []Sample `json:"cold"`
	Warm []Sample `json:"warm"`
}

// MemoryRow is one tool in part memory.
type MemoryRow struct {
	Tool   string `json:"tool"`
	Ours   bool   `json:"ours,omitempty"`
	TLS    bool   `json:"tls"`
	Sample Sample `json:"sample"`
}

// Outcome is what one tool made of one fault.
type Outcome struct {
	Tool string `json:"tool"`
	Ours bool   `json:"ours,omitempty"`
	// Result is "ok", "fails", "hangs", or "lies": the tool said that all went well, and the
	// image is not there.
	Result string `json:"result"`
	// Read and Sent are MiB read from the source and sent to the target.
	Read    float64 `json:"read"`
	Sent    float64 `json:"sent"`
	Seconds float64 `json:"seconds"`
	Said    string  `json:"said,omitempty"`
}

// FaultRow is one fault, with what each tool made of it.
type FaultRow struct {
	Fault string `json:"fault"`
	// MostRead and MostSent are MiB: the layer, and the piece in flight where one is lost.
	MostRead float64   `json:"mostRead"`
	MostSent float64   `json:"mostSent"`
	Outcomes []Outcome `json:"outcomes"`
}

// StormRow is one tool in bad weather.
type StormRow struct {
	Tool string `json:"tool"`
	Ours bool   `json:"ours,omitempty"`
	Cost
	Arrived int `json:"arrived"`
	// Refetched is what was read from the source beyond the distinct blobs and manifests, as a
	// share of them; it is below 0 where artifacts are missing.
	Refetched float64 `json:"refetched"`
}

// GrowthStep is a number of releases, copied by every tool.
type GrowthStep struct {
	Releases  int         `json:"releases"`
	Artifacts int         `json:"artifacts"`
	Blobs     int         `json:"blobs"`
	Rows      []*SpeedRow `json:"rows"`
}
