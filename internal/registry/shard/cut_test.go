package shard

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const mib = 1 << 20

// Artifacts that share blobs go together where no shard becomes too heavy by that.
func TestFamiliesStayTogether(t *testing.T) {
	work := Work{
		// Two families of three, each round a base of its own.
		Artifacts: [][]int{{0, 2}, {1, 3}, {0, 4}, {1, 5}, {0, 6}, {1, 7}},
		Sizes:     []int64{100 * mib, 100 * mib, 10 * mib, 10 * mib, 10 * mib, 10 * mib, 10 * mib, 10 * mib},
	}
	cut := mustCut(t, work, 2)
	if want := []int{0, 1, 0, 1, 0, 1}; !slices.Equal(cut.Of, want) {
		t.Errorf("New().Of = %v, want %v", cut.Of, want)
	}
	if len(cut.Split) > 0 || cut.AgainBytes != 0 {
		t.Errorf("New() splits blobs %v, %d bytes again, want none", cut.Split, cut.AgainBytes)
	}
}

// What cannot stay together is counted: one base below everything is one shard's, and all others' too.
func TestSplitIsCounted(t *testing.T) {
	work := Work{Sizes: []int64{100 * mib}}
	for range 8 {
		work.Sizes = append(work.Sizes, 100*mib)
		work.Artifacts = append(work.Artifacts, []int{0, len(work.Sizes) - 1})
	}
	cut := mustCut(t, work, 4)
	if want := []int{0}; !slices.Equal(cut.Split, want) || cut.SplitBytes != 100*mib || cut.AgainBytes != 300*mib {
		t.Errorf("New() splits %v, %d bytes, %d again; want blob 0, 100 MiB and 300 MiB", cut.Split, cut.SplitBytes, cut.AgainBytes)
	}
	if cut.Owners[0] != cut.Of[0] {
		t.Errorf("the base is shard %d's, want %d, which needed it first", cut.Owners[0], cut.Of[0])
	}
}

// What the target holds weighs nothing, and is not split.
func TestHeldBlobs(t *testing.T) {
	cut := mustCut(t, Work{Artifacts: [][]int{{0}, {0}}, Sizes: []int64{0}}, 2)
	if len(cut.Split) > 0 || cut.Of[0] == cut.Of[1] {
		t.Errorf("New() = %+v, want two shards that share nothing", cut)
	}
}

func TestNewRefuses(t *testing.T) {
	for _, n := range []int{-1, 0, Most + 1} {
		if _, err := New(Work{}, n); err == nil {
			t.Errorf("New(%d shards) = nil, want an error", n)
		}
	}
}

func FuzzCut(f *testing.F) {
	for _, seed := range []uint64{0, 1, 7, 99} {
		f.Add(seed, 40, 60, 4)
		f.Add(seed, 3, 2, 9)
		f.Add(seed, 300, 400, 100)
	}
	f.Fuzz(func(t *testing.T, seed uint64, artifacts, blobs, shards int) {
		if artifacts < 0 || artifacts > 500 || blobs < 0 || blobs > 500 || shards < 1 || shards > Most {
			t.Skip()
		}
		work := random(seed, artifacts, blobs)
		cut := mustCut(t, work, shards)
		if diff := cmp.Diff(cut, mustCut(t, work, shards)); diff != "" {
			t.Errorf("New() twice (-first +second):\n%s", diff)
		}
		checkCut(t, work, cut)
	})
}

// random is work in which few blobs are shared by many and most by few.
func random(seed uint64, artifacts, blobs int) Work {
	r := rand.New(rand.NewPCG(seed, 1))
	work := Work{}
	for range blobs {
		work.Sizes = append(work.Sizes, r.Int64N(1<<(10+r.IntN(20))))
	}
	for range artifacts {
		var needs []int
		for range r.IntN(12) {
			if blobs > 0 {
				needs = append(needs, r.IntN(1+r.IntN(blobs)))
			}
		}
		slices.Sort(needs)
		work.Artifacts = append(work.Artifacts, slices.Compact(needs))
	}
	return work
}

// checkCut holds a cut against what New promises.
func checkCut(t *testing.T, work Work, cut *Cut) {
	t.Helper()
	if len(cut.Of) != len(work.Artifacts) {
		t.Fatalf("%d artifacts have a shard, want %d", len(cut.Of), len(work.Artifacts))
	}
	weights, need := make([]int64, cut.Shards), make([]map[int]bool, len(work.Sizes))
	var total, heaviest int64
	for a, blobs := range work.Artifacts {
		if cut.Of[a] < 0 || cut.Of[a] >= cut.Shards {
			t.Fatalf("artifact %d is in shard %d of %d", a, cut.Of[a], cut.Shards)
		}
		weights[cut.Of[a]] += artifactWeight
		weight := int64(artifactWeight)
		for _, b := range blobs {
			weight += work.Sizes[b]
			if need[b] == nil {
				need[b] = map[int]bool{}
			}
			need[b][cut.Of[a]] = true
		}
		heaviest = max(heaviest, weight)
	}
	var split []int
	var again int64
	for b, shards := range need {
		if owner := cut.Owners[b]; len(shards) > 0 && !shards[owner] || len(shards) == 0 && owner != -1 {
			t.Fatalf("blob %d, which shards %v need, is shard %d's", b, shards, owner)
		} else if owner >= 0 {
			weights[owner] += work.Sizes[b]
		}
		if len(shards) > 1 && work.Sizes[b] > 0 {
			split = append(split, b)
			again += work.Sizes[b] * int64(len(shards)-1)
		}
	}
	for _, w := range weights {
		total += w
	}
	if diff := cmp.Diff(weights, cut.Weights); diff != "" {
		t.Errorf("weights (-want +got):\n%s", diff)
	}
	if !slices.Equal(split, cut.Split) || again != cut.AgainBytes {
		t.Errorf("split are %v, %d bytes again, want %v and %d", cut.Split, cut.AgainBytes, split, again)
	}
	unneeded := int64(0)
	for b := range work.Sizes {
		if need[b] == nil {
			unneeded += work.Sizes[b]
		}
	}
	mean := (total + unneeded) / int64(cut.Shards)
	if bound := max(mean+mean/slack, mean+heaviest); slices.Max(weights) > bound {
		t.Errorf("the heaviest shard weighs %d, want at most %d", slices.Max(weights), bound)
	}
}

func mustCut(t *testing.T, work Work, shards int) *Cut {
	t.Helper()
	cut, err := New(work, shards)
	if err != nil {
		t.Fatal(err)
	}
	return cut
}
