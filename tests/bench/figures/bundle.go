package figures

import "fmt"

// BundleRow is one command in part bundle.
type BundleRow struct {
	Doing   string   `json:"doing"`
	Samples []Sample `json:"samples"`
	// Size is what it wrote, in bytes; 0 where that is no file.
	Size int64 `json:"size,omitempty"`
	// Wire tells that it read the family over the source's link.
	Wire bool `json:"wire,omitempty"`
	Ours bool `json:"ours,omitempty"`
}

// The rows that bars are about.
const (
	DoingSave   = "pgrelocate save -f FILE"
	DoingStream = "pgrelocate save -f -"
	DoingVerify = "pgrelocate bundle verify"
	DoingLoad   = "pgrelocate load"
	DoingSum    = "sha256sum of the same file"
)

// BundleRow is the row of a command; nil where there is none.
func (r *Report) BundleRow(doing string) *BundleRow {
	for _, row := range r.Bundle {
		if row.Doing == doing {
			return row
		}
	}
	return nil
}

func (r *BundleRow) failed() (n int) {
	for _, s := range r.Samples {
		n += s.Failed
	}
	return n
}

func (r *Report) printBundle(p *printer) {
	if len(r.Bundle) == 0 {
		return
	}
	p.title("Bundles")
	p.line("Medians of %d; files lie in memory. The wire allows %.2f s to who reads the family.\n", r.Setting.Runs, r.saveLimit())
	var rows [][]string
	for _, row := range r.Bundle {
		size, toWire, requests := "–", "–", "–"
		if row.Size > 0 {
			size = fmt.Sprintf("%.5f", float64(row.Size)/float64(r.Family.Unique))
		}
		if row.Wire {
			toWire = times(Median(row.Samples, Wall), r.saveLimit())
		}
		if n := Median(row.Samples, sourceRequests) + Median(row.Samples, targetRequests); n > 0 {
			requests = fmt.Sprintf("%.0f", n)
		}
		cells := []string{row.Doing, fmt.Sprintf("%.2f", Median(row.Samples, Wall)), toWire,
			fmt.Sprintf("%.2f", Median(row.Samples, CPU)), memoryOf(row.Samples), size, requests}
		if row.failed() > 0 {
			cells[1] = "**fails**"
		}
		rows = append(rows, cells)
	}
	p.table([]string{"", "seconds", "to the wire", "CPU seconds", memoryHead, "size ÷ unique", "requests"}, rows)
}

// saveLimit is the wire's limit without a target, in seconds.
func (r *Report) saveLimit() float64 { return r.Family.ColdLimit - 2*r.Asked.TargetRTT.Seconds() }

const (
	mostBundle = 1.001 // × the unique bytes
	mostAhead  = 30    // MiB that a stream keeps of what comes next, beside what any copy takes
)

func (r *Report) judgeBundle() {
	save := r.BundleRow(DoingSave)
	if save == nil {
		return
	}
	for _, doing := range []string{DoingSave, DoingStream} {
		if row := r.BundleRow(doing); row != nil {
			ratio := Median(row.Samples, Wall) / r.saveLimit()
			r.bar(doing+", seconds to the wire's limit", ratio <= 1.15 && row.failed() == 0, "≤ 1.15 ×", "%.2f ×", ratio)
		}
	}
	size := float64(save.Size) / float64(r.Family.Unique)
	r.bar("bundle, size to unique bytes", size <= mostBundle, fmt.Sprintf("≤ %.3f ×", mostBundle), "%.5f ×", size)
	verify, sum := r.BundleRow(DoingVerify), r.BundleRow(DoingSum)
	if verify != nil && sum != nil {
		ratio := Median(verify.Samples, Wall) / Median(sum.Samples, Wall)
		r.bar("bundle verify, seconds to sha256sum's", ratio <= 1 && verify.failed() == 0, "≤ 1.00 ×", "%.2f ×", ratio)
	}
	for _, row := range r.Bundle {
		if row.Ours {
			most := float64(mostMemory)
			if row.Doing == DoingStream {
				most += mostAhead
			}
			r.barMemory(row.Doing+", memory of its own", row.failed() == 0, Median(row.Samples, own), most)
		}
	}
}
