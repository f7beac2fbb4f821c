package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

const mib = 1 << 20

// lines are what the model takes for granted. Rates are in bytes a second, round trips in seconds.
type lines struct {
	// Worker is what one machine moves, Source what the vendor's registry gives to all together.
	Worker, Source float64
	// SourceTrip and TargetTrip are round trips; Jobs are how many requests are in flight at once.
	SourceTrip, TargetTrip float64
	Jobs                   float64
}

// Requests of each artifact at both sides (the tag, a manifest or two, what is attached; blobs that are
// looked for, manifests that are put), and of the tag that it gets in the end.
const (
	sourceRequests = 4
	targetRequests = 14
	tagRequests    = 4
)

// world is a mirror that there could be: so many artifacts of families. All of a family have a base in
// common with other families, a layer of the family's own, and three with the other variants of their
// release; two layers and a config are each artifact's own. Sizes vary by a factor of four or so, as a
// log-normal distribution has it.
func world(artifacts int, seed uint64) shard.Work {
	r := rand.New(rand.NewPCG(seed, 2026))
	w := shard.Work{}
	blob := func(median float64) int {
		w.Sizes = append(w.Sizes, int64(median*mib*math.Exp(r.NormFloat64()*0.7)))
		return len(w.Sizes) - 1
	}
	var bases []int
	for range 8 {
		bases = append(bases, blob(40))
	}
	const variants = 4
	for len(w.Artifacts) < artifacts {
		base, own := bases[min(r.IntN(8), r.IntN(8))], blob(90)
		for range 2 + r.IntN(40) { // releases
			common := []int{base, own, blob(12), blob(6), blob(1)}
			for range variants {
				if len(w.Artifacts) < artifacts {
					w.Artifacts = append(w.Artifacts, append(slices.Clone(common), blob(15), blob(3), blob(0.006)))
				}
			}
		}
	}
	return w
}

// outcome is what the model says of a number of workers.
type outcome struct {
	workers int
	seconds float64
	// heaviest is that of the shards' weights to their mean.
	heaviest float64
	// split are the blobs that several shards need, splitBytes theirs, worst what would be fetched again
	// if none waited, and again what is in the model.
	split                    int
	splitBytes, worst, again int64
	// limit is what the time is bound by.
	limit string
}

// simulate carries a cut out. All workers begin at once, each moves the blobs that it owns and others
// need first, and shares the source's line evenly with those that are still at work.
func simulate(w shard.Work, workers int, l lines) (outcome, error) {
	cut, err := shard.New(w, workers)
	if err != nil {
		return outcome{}, err
	}
	m := newModel(w, cut, l)
	o := outcome{workers: workers, split: len(cut.Split), splitBytes: cut.SplitBytes, worst: cut.AgainBytes, limit: "the workers' lines"}
	ends := m.transfer(m.owned)
	shared := m.transfer(m.shared)
	for s := range ends {
		end := max(ends[s], m.requests[s])
		if m.requests[s] > ends[s] {
			o.limit = "round trips"
		}
		end, again := m.await(s, end, shared)
		o.again += again
		o.seconds = max(o.seconds, end)
	}
	if l.Source < l.Worker*float64(workers) {
		o.limit = "the source"
	}
	o.seconds += float64(len(w.Artifacts)) * tagRequests * l.TargetTrip / l.Jobs
	var sum int64
	for _, weight := range cut.Weights {
		sum += weight
	}
	o.heaviest = float64(slices.Max(cut.Weights)) * float64(workers) / float64(sum)
	return o, nil
}

type model struct {
	lines
	work shard.Work
	cut  *shard.Cut
	// owned are the bytes that each shard moves, shared those of them that others need too.
	owned, shared []float64
	requests      []float64 // seconds of round trips
	awaited       []map[int]bool
}

func newModel(w shard.Work, cut *shard.Cut, l lines) *model {
	m := &model{lines: l, work: w, cut: cut, owned: make([]float64, cut.Shards), shared: make([]float64, cut.Shards), requests: make([]float64, cut.Shards)}
	for b, owner := range cut.Owners {
		if owner >= 0 {
			m.owned[owner] += float64(w.Sizes[b])
		}
	}
	split := map[int]bool{}
	for _, b := range cut.Split {
		split[b] = true
		m.shared[cut.Owners[b]] += float64(w.Sizes[b])
	}
	m.awaited = make([]map[int]bool, cut.Shards)
	for s := range m.awaited {
		m.awaited[s] = map[int]bool{}
	}
	for a, blobs := range w.Artifacts {
		s := cut.Of[a]
		m.requests[s] += (sourceRequests*l.SourceTrip + targetRequests*l.TargetTrip) / l.Jobs
		for _, b := range blobs {
			if split[b] && cut.Owners[b] != s {
				m.awaited[s][b] = true
			}
		}
	}
	return m
}

// transfer is when each shard has moved so many bytes.
func (m *model) transfer(bytes []float64) []float64 {
	order := make([]int, len(bytes))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(bytes[i], bytes[j]) })
	ends, now, done := make([]float64, len(bytes)), 0.0, 0.0
	for i, s := range order {
		rate := min(m.Worker, m.Source/float64(len(order)-i))
		now += (bytes[s] - done) / rate
		done, ends[s] = bytes[s], now
	}
	return ends
}

// await is when a shard has what others own, and how many bytes it has fetched itself for want of
// patience: it waits for as long as fetching would take.
func (m *model) await(s int, end float64, shared []float64) (float64, int64) {
	var bytes, again int64
	for b := range m.awaited[s] {
		bytes += m.work.Sizes[b]
	}
	rate := min(m.Worker, m.Source/float64(m.cut.Shards))
	patience := min(max(float64(bytes)/rate, 1), 300)
	ready := end
	for b := range m.awaited[s] {
		if at := shared[m.cut.Owners[b]]; at <= end+patience {
			ready = max(ready, at)
		} else {
			again += m.work.Sizes[b]
		}
	}
	if again > 0 {
		ready = end + patience + float64(again)/rate
	}
	return ready + float64(len(m.awaited[s]))*m.TargetTrip/m.Jobs, again
}

// table writes what the model says of some numbers of workers as Markdown.
func table(out io.Writer, w shard.Work, l lines, counts []int) error {
	var total int64
	for _, size := range w.Sizes {
		total += size
	}
	fmt.Fprintf(out, "%d artifacts, %d blobs, %.1f TiB; each worker %.0f MiB/s, the source %.0f MiB/s for all; round trips %.0f and %.0f ms.\n\n",
		len(w.Artifacts), len(w.Sizes), float64(total)/(1<<40), l.Worker/mib, l.Source/mib, 1000*l.SourceTrip, 1000*l.TargetTrip)
	fmt.Fprintln(out, "| workers | minutes | faster by | heaviest ÷ mean | blobs of several shards | fetched again | at worst | bound by |")
	fmt.Fprintln(out, "|--:|--:|--:|--:|--:|--:|--:|---|")
	first := 0.0
	for _, n := range counts {
		o, err := simulate(w, n, l)
		if err != nil {
			return err
		}
		if first == 0 {
			first = o.seconds
		}
		fmt.Fprintf(out, "| %d | %.1f | %.1f × | %.3f | %d, %.1f GiB | %.1f GiB | %.1f GiB | %s |\n", n, o.seconds/60, first/o.seconds, o.heaviest,
			o.split, gib(o.splitBytes), gib(o.again), gib(o.worst), o.limit)
	}
	return nil
}

func gib(n int64) float64 { return float64(n) / (1 << 30) }
