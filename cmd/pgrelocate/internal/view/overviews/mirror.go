package overviews

import (
	"io"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/relocate/picturing"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/view"
	"github.com/pgrelocate/pgrelocate/internal/registry/holdings"
)

// Mirror is the result of `pgrelocate report`.
type Mirror struct {
	output.Header
	view.OfRun
	Product  string `json:"product"`
	Title    string `json:"title"`
	Registry string `json:"registry"`
	// Looked says what was looked at: nothing is said of anything else.
	Looked MirrorLooked `json:"looked"`
	// Counts are how many artifacts are in each state, and InUse how many the cluster refers to.
	Counts map[string]int `json:"counts"`
	InUse  int            `json:"inUse"`
	// Releases are those that were looked for, newest first.
	Releases []MirrorRelease `json:"releases"`
	// Vendor is what is new at the source; absent without --discover.
	Vendor *MirrorVendor `json:"vendor,omitempty"`
	// Sizes are those that the lock has; absent without a lock.
	Sizes *MirrorSizes `json:"sizes,omitempty"`
	// Runs are the last runs of this product and registry that --last-run tells of, the newest first.
	Runs []MirrorRun `json:"runs,omitempty"`
	// OtherRuns is how many runs of other products and registries it tells of.
	OtherRuns int `json:"otherRuns,omitempty"`
}

// MirrorLooked says what was looked at.
type MirrorLooked struct {
	// Layers says that all content was looked for, and not tags alone.
	Layers bool `json:"layers"`
	// Lock is the file of the lock that the registry was held against; absent where there was none.
	Lock string `json:"lock,omitempty"`
	// LeftOut is how many artifacts the lock has that were not selected, and not looked for.
	LeftOut int  `json:"leftOut,omitempty"`
	Vendor  bool `json:"vendor"`
	Cluster bool `json:"cluster"`
	// ClusterHost is the cluster that was asked.
	ClusterHost string `json:"clusterHost,omitempty"`
	Runs        bool   `json:"runs"`
}

// MirrorRelease is one release of a product.
type MirrorRelease struct {
	Product string `json:"product"`
	Release string `json:"release"`
	// Counts are how many of its artifacts are in each state.
	Counts map[string]int `json:"counts"`
	InUse  int            `json:"inUse"`
	// Artifacts are what belongs to it.
	Artifacts []MirrorArtifact `json:"artifacts"`
}

// MirrorArtifact is an artifact, and how it stands.
type MirrorArtifact struct {
	view.Artifact
	// Name tells charts of one release apart, and families of instances.
	Name string `json:"name,omitempty"`
	// Axes are what the image is on others than edition.
	Axes map[string]string `json:"axes,omitempty"`
	// State is mirrored, missing, not mirrored, drifted, damaged or unknown.
	State string `json:"state"`
	// UsedBy is what in the cluster refers to it.
	UsedBy string `json:"usedBy,omitempty"`
	// Digest is what the tag holds in the registry, LockedDigest what the lock has.
	Digest       string `json:"digest,omitempty"`
	LockedDigest string `json:"lockedDigest,omitempty"`
	// Retired says that the lock's selection no longer wants it.
	Retired bool `json:"retired,omitempty"`
	// Bytes are those of its layers as the lock has them; absent where it does not tell.
	Bytes int64 `json:"bytes,omitempty"`
	// Lacks are the digests of what is gone of what is damaged.
	Lacks []string `json:"lacks,omitempty"`
	// Error says what is wrong.
	Error string `json:"error,omitempty"`
}

// MirrorVendor is what is new at the source.
type MirrorVendor struct {
	Source string `json:"source"`
	// Current is the newest release that is mirrored, Newest the newest at the source.
	Current         string   `json:"current"`
	Newest          string   `json:"newest"`
	UpdateAvailable bool     `json:"updateAvailable"`
	NewVersions     []string `json:"newVersions"`
	// Unknown are the releases at the source that the catalogue lacks.
	Unknown []MirrorUnknown `json:"unknown"`
}

// MirrorUnknown is a release at the source that the catalogue lacks.
type MirrorUnknown struct {
	Release  string   `json:"release"`
	Preview  bool     `json:"preview,omitempty"`
	Mirrored bool     `json:"mirrored"`
	Versions []string `json:"versions"`
	// Error is why it is not known what belongs to it.
	Error string `json:"error,omitempty"`
}

// MirrorSizes are what the lock says of sizes.
type MirrorSizes struct {
	// Artifacts are those of the lock, Unsized those of them of which it has no size.
	Artifacts int `json:"artifacts"`
	Unsized   int `json:"unsized"`
	// Bytes are those of all artifacts, each by itself; Distinct those of the layers, each once.
	Bytes    int64 `json:"bytes"`
	Layers   int   `json:"layers"`
	Distinct int64 `json:"distinctBytes"`
	// SharedLayers are in several repositories.
	SharedLayers int `json:"sharedLayers"`
}

// MirrorRun is a run that is over, or was killed.
type MirrorRun struct {
	Command string    `json:"command"`
	Version string    `json:"version,omitempty"`
	Began   time.Time `json:"began"`
	// ExitCode is absent where the run never said that it was over: it was killed, or goes on.
	ExitCode        *int           `json:"exitCode,omitempty"`
	DurationSeconds float64        `json:"durationSeconds"`
	Results         map[string]int `json:"results,omitempty"`
	// MovedBytes is absent where the run did not come to that.
	MovedBytes *int64 `json:"movedBytes,omitempty"`
	Error      string `json:"error,omitempty"`
	// Failures are the first artifacts that failed; metrics do not name them.
	Failures []string `json:"failures,omitempty"`
	// LastSuccess is when a run last did all that was asked; absent where that is not known.
	LastSuccess *time.Time `json:"lastSuccess,omitempty"`
}

// MirrorStates are the words for how an artifact stands, in the order in which they are shown.
func MirrorStates() []string {
	return []string{
		string(picturing.Mirrored), string(picturing.Missing), string(picturing.Drifted),
		string(picturing.Damaged), string(picturing.Unknown), string(picturing.NotMirrored),
	}
}

// NewMirror shows how a mirror stands.
func NewMirror(registry string, p *picturing.Picture) Mirror {
	made := Mirror{
		Header:  output.NewHeader("Mirror"),
		Product: p.Product.Name, Title: p.Product.Title, Registry: registry,
		Looked: MirrorLooked{
			Layers: p.Checked, Lock: p.LockPath, LeftOut: p.LeftOut, Vendor: p.Vendor != nil,
			Cluster: p.ClusterAsked, ClusterHost: p.Cluster, Runs: p.RunsAsked,
		},
		Counts: map[string]int{}, Releases: []MirrorRelease{}, OtherRuns: p.OtherRuns,
		Vendor: newMirrorVendor(p.Vendor), Sizes: newMirrorSizes(p.Lock), Runs: newMirrorRuns(p.Runs),
	}
	for _, item := range p.Items {
		made.add(item)
	}
	return made
}

// add puts an artifact below its release.
func (v *Mirror) add(item picturing.Item) {
	shown := newMirrorArtifact(item)
	at := -1
	for i, r := range v.Releases {
		if r.Product == shown.Product && r.Release == shown.Release {
			at = i
		}
	}
	if at < 0 {
		at = len(v.Releases)
		v.Releases = append(v.Releases, MirrorRelease{Product: shown.Product, Release: shown.Release, Counts: map[string]int{}})
	}
	r := &v.Releases[at]
	r.Artifacts = append(r.Artifacts, shown)
	r.Counts[shown.State]++
	v.Counts[shown.State]++
	if shown.UsedBy != "" {
		r.InUse++
		v.InUse++
	}
}

func newMirrorArtifact(item picturing.Item) MirrorArtifact {
	shown := MirrorArtifact{
		Artifact: view.NewArtifact(item.Artifact), Name: item.Name, Axes: item.Axes,
		State: string(item.State), UsedBy: item.UsedBy, Lacks: item.Answer.Lacks,
	}
	if item.Answer.Held.Digest.Hex != "" {
		shown.Digest = item.Answer.Held.Digest.String()
	}
	if item.Locked != nil {
		shown.LockedDigest, shown.Retired, shown.Bytes = item.Locked.Digest.String(), item.Locked.Retired, item.Locked.Bytes
	}
	if item.Answer.Presence != holdings.Present && item.State != picturing.NotMirrored {
		shown.Error = item.Answer.Error()
		if item.State == picturing.Missing && item.Locked == nil {
			shown.Error = shown.Target + " is missing"
		}
	}
	return shown
}

// Of implements Run.
func (v Mirror) Of(run view.OfRun) output.View {
	v.OfRun = run
	return v
}

// WriteTable writes a line for each release.
func (v Mirror) WriteTable(w io.Writer) error {
	states := MirrorStates()
	titles := []string{"RELEASE"}
	figures := []int{}
	for i, state := range states {
		titles, figures = append(titles, strings.ToUpper(state)), append(figures, i+1)
	}
	if v.Looked.Cluster {
		titles, figures = append(titles, "IN USE"), append(figures, len(titles))
	}
	grid := output.NewGrid(titles...).Right(figures...)
	for _, r := range v.Releases {
		name := r.Release
		if r.Product != v.Product {
			name = r.Product + " " + r.Release
		}
		cells := []any{name}
		for _, state := range states {
			cells = append(cells, r.Counts[state])
		}
		if v.Looked.Cluster {
			cells = append(cells, r.InUse)
		}
		grid.Row(cells...)
	}
	_, err := grid.WriteTo(w)
	return err
}
