package figures

import (
	"fmt"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// Bar is something that pgrelocate has to reach.
type Bar struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
	Pass bool   `json:"pass"`
}

// Passed tells whether no bar was missed.
func (r *Report) Passed() bool {
	for _, b := range r.Bars {
		if !b.Pass {
			return false
		}
	}
	return true
}

func (r *Report) bar(name string, pass bool, want, got string, args ...any) {
	r.Bars = append(r.Bars, Bar{name, want, fmt.Sprintf(got, args...), pass})
}

// Judge holds pgrelocate's figures against the bars.
func (r *Report) Judge() {
	r.judgeSpeed()
	r.judgeTLS()
	r.judgeMemory()
	r.judgeFaults()
	r.judgeStorm()
	r.judgeBundle()
	r.judgeStart()
	r.judgeGrowth()
}

func (r *Report) judgeSpeed() {
	ours := oursOf(r.Speed)
	if len(ours.Cold) == 0 {
		return
	}
	limit := r.Family.ColdLimit
	toWire := ours.cold(Wall) / limit
	r.bar("cold, seconds to the wire's limit", toWire <= 1.15, "≤ 1.15 ×", "%.2f × (%.2f s of %.2f s)", toWire, ours.cold(Wall), limit)
	ratio := ours.cold(fetched) / float64(r.Family.Unique)
	r.bar("cold, bytes of blobs fetched", ratio >= 1 && ratio < 1.0005, "1.000 × unique", "%.4f ×", ratio)
	target := ours.cold(targetRequests) - ours.cold(targetAuth)
	r.bar("cold, requests at the target beside auth", target <= 190, "≤ 190", "%.0f", target)
	warmTarget := ours.warm(targetRequests) - ours.warm(targetAuth)
	r.bar("warm, requests at the target beside auth", warmTarget <= float64(r.Family.Artifacts), fmt.Sprintf("≤ %d", r.Family.Artifacts), "%.0f", warmTarget)
	r.judgeSourceRequests(ours)
	r.judgePeers(ours)
	r.judgeLoop(ours)
}

// mostOverLoop is what a copy may take beside reading, SHA-256 and writing: start-up, manifests, the
// account of uploads, and what a registry has to be asked.
const mostOverLoop = 1.2

func (r *Report) judgeLoop(ours *SpeedRow) {
	if least := r.loop(CPU); least > 0 {
		ratio := ours.cold(CPU) / least
		r.bar("cold, CPU seconds to reading, SHA-256 and writing alone", ratio <= mostOverLoop, fmt.Sprintf("≤ %.2f ×", mostOverLoop), "%.2f × (%.2f of %.2f)", ratio, ours.cold(CPU), least)
	}
}

// judgeSourceRequests wants a request for each manifest and each blob, and none but those in
// a run that does not look for signatures. To find signatures takes a list of tags for each
// repository, and at a registry without the referrers API one request to learn that.
func (r *Report) judgeSourceRequests(ours *SpeedRow) {
	lookups := r.Family.Repositories + 1
	coldFloor, warmFloor := r.Family.Blobs+r.Family.Artifacts, r.Family.Artifacts
	atSource := func(s Sample) float64 { return sourceRequests(s) - sourceAuth(s) }
	judge := func(row *SpeedRow, with string, more int) {
		cold, warm := row.cold(atSource), row.warm(atSource)
		r.bar("cold, requests at the source beside auth"+with, cold <= float64(coldFloor+more), fmt.Sprintf("≤ %d", coldFloor+more), "%.0f", cold)
		r.bar("warm, requests at the source beside auth"+with, warm <= float64(warmFloor+more), fmt.Sprintf("≤ %d", warmFloor+more), "%.0f", warm)
	}
	for _, row := range r.Speed {
		if row.Bare {
			judge(row, ", "+NoSignatures, 0)
		}
	}
	judge(ours, fmt.Sprintf(", and %d to find signatures", lookups), lookups)
}

// judgePeers compares with whichever tool is best at each.
func (r *Report) judgePeers(ours *SpeedRow) {
	leanest, fastest, warmest := "", "", ""
	var leanestCPU, fastestCold, fastestWarm float64
	for _, row := range r.Speed {
		if row.Ours || row.Tool == BaselineName || Median(row.Cold, arrivedCount) < float64(r.Family.Artifacts) {
			continue
		}
		if !row.Unchecked {
			better(&leanest, &leanestCPU, row.Tool, row.cold(CPU))
		}
		better(&fastest, &fastestCold, row.Tool, row.cold(Wall))
		better(&warmest, &fastestWarm, row.Tool, row.warm(Wall))
	}
	if leanest == "" {
		return
	}
	r.bar("cold, seconds", ours.cold(Wall) < fastestCold, fmt.Sprintf("below %s's %.2f", fastest, fastestCold), "%.2f", ours.cold(Wall))
	r.bar("cold, CPU seconds, of those that check digests", ours.cold(CPU) <= 0.75*leanestCPU, fmt.Sprintf("well under %s's %.2f: ≤ 0.75 ×", leanest, leanestCPU), "%.2f", ours.cold(CPU))
	r.bar("warm, seconds", ours.warm(Wall) <= fastestWarm, fmt.Sprintf("≤ %s's %.2f", warmest, fastestWarm), "%.2f", ours.warm(Wall))
}

func better(name *string, best *float64, tool string, value float64) {
	if *name == "" || value < *best {
		*name, *best = tool, value
	}
}

// auth are the requests that only find out how to authenticate, and do so.
func auth(t Traffic) float64 {
	return float64(t.ByKind[registrytest.Ping] + t.Challenges)
}

func sourceAuth(s Sample) float64 { return auth(s.Source) }
func targetAuth(s Sample) float64 { return auth(s.Target) }

func (r *Report) judgeTLS() {
	var with, without *SpeedRow
	for _, row := range r.TLS {
		switch {
		case !row.Ours:
		case strings.Contains(row.Tool, "HTTP/2"):
			with = row
		default:
			without = row
		}
	}
	if with == nil || without == nil {
		return
	}
	ratio := with.cold(Wall) / without.cold(Wall)
	r.bar("TLS, seconds with HTTP/2 on offer to HTTP/1.1", ratio <= 1.05, "no slower: ≤ 1.05 ×", "%.2f ×", ratio)
}

// mostMemory is what a copy of any size may ask for, in MiB. How many pages of its own file are in
// memory beside that is for the kernel to say.
const mostMemory = 16

func (r *Report) judgeMemory() {
	for _, row := range r.Memory {
		if !row.Ours {
			continue
		}
		over := "plain HTTP"
		if row.TLS {
			over = "TLS"
		}
		r.barMemory(fmt.Sprintf("memory of its own with a layer of %d MiB, %s", r.Asked.LargeLayer>>20, over), row.Sample.Arrived == 1, row.Sample.Own, mostMemory)
	}
	if ours := oursOf(r.Speed); len(ours.Cold) > 0 {
		r.barMemory("memory of its own, cold", true, ours.cold(own), mostMemory)
	}
}

// barMemory fails a process that ended before it was looked at, too.
func (r *Report) barMemory(name string, worked bool, got, most float64) {
	r.bar(name, worked && got > 0 && got <= most, fmt.Sprintf("≤ %.0f MiB", most), "%.1f MiB", got)
}

// slack is what manifests, lists and errors come to, in MiB, and what a reset throws away
// that was sent and not read.
const slack = 0.5

func (r *Report) judgeFaults() {
	if len(r.Faults) == 0 {
		return
	}
	good, all := 0, 0
	var bad []string
	for _, row := range r.Faults {
		for _, o := range row.Outcomes {
			if !o.Ours {
				continue
			}
			all++
			if o.Result == "ok" && o.Read <= row.MostRead+slack && o.Sent <= row.MostSent+slack {
				good++
			} else {
				bad = append(bad, row.Fault)
			}
		}
	}
	if all == 0 {
		return
	}
	got := fmt.Sprintf("%d of %d", good, all)
	if len(bad) > 0 {
		got += ": not " + strings.Join(bad, "; ")
	}
	r.bar("faults survived with at most one piece moved twice", good == all, fmt.Sprintf("%d of %d", all, all), "%s", got)
}

func (r *Report) judgeStorm() {
	for _, row := range r.Storm {
		if !row.Ours {
			continue
		}
		r.bar("storm, artifacts arrived", row.Arrived == r.Family.Artifacts, fmt.Sprintf("%d of %d", r.Family.Artifacts, r.Family.Artifacts), "%d", row.Arrived)
		r.bar("storm, bytes fetched again", row.Refetched < 0.02, "< 2 %", "%.2f %%", 100*row.Refetched)
	}
}
