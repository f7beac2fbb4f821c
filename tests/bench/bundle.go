package main

import (
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// bundleRow is one command in part bundle.
type bundleRow struct {
	Doing   string   `json:"doing"`
	Samples []sample `json:"samples"`
	// Size is what it wrote, in bytes; 0 where that is no file.
	Size int64 `json:"size,omitempty"`
	// Wire tells that it read the family over the source's link.
	Wire bool `json:"wire,omitempty"`
	Ours bool `json:"ours,omitempty"`
}

// The rows that bars are about.
const (
	doingSave   = "pgrelocate save -f FILE"
	doingStream = "pgrelocate save -f -"
	doingVerify = "pgrelocate bundle verify"
	doingLoad   = "pgrelocate load"
	doingSum    = "sha256sum of the same file"
)

// bundle writes the family into a file over the source's link, checks the file, and loads it.
func (b *bench) bundle() {
	f := b.seed(newFamily(b.opts.scale))
	b.report.describe(f)
	b.family = f
	b.scoped(func() {
		source := b.startWire(b.opts.source, registrytest.Options{Root: f.Root, ReadOnly: true})
		b.drain(f, source)
		for run := range b.opts.runs {
			b.Logf("run %d of %d", run+1, b.opts.runs)
			b.scoped(func() { b.bundleOnce(f, source) })
		}
	})
}

func (b *bench) bundleOnce(f *family, source *wire) {
	dir := b.TempDir()
	file := filepath.Join(dir, "family.tar")
	for _, t := range b.tools {
		if t.ours {
			save := []string{t.binary, "save", "--source", source.host(), "--release", release, "--quiet", "--file"}
			b.overWire(source, doingSave, true, [][]string{append(save, file)}, file)
			b.overWire(source, doingStream, true, [][]string{discarding(append(save, "-"))}, "")
			b.local(doingVerify, true, t.binary, "bundle", "verify", "--quiet", file)
			b.load(doingLoad, true, f, func(host string) []string {
				return []string{t.binary, "load", "--quiet", "--file", file, "--registry", host}
			})
		}
	}
	b.local(doingSum, false, "sha256sum", file)
	b.local("openssl dgst -sha256 of the same file", false, "openssl", "dgst", "-sha256", file)
	for _, t := range b.tools {
		if write := bundleWriters[t.name]; write != nil && b.ctx.Err() == nil {
			write(b, t, f, source, dir)
		}
	}
}

// discarding runs a command whose output nobody wants.
func discarding(command []string) []string {
	return append([]string{"sh", "-c", `exec "$@" >/dev/null`, "sh"}, command...)
}

func (b *bench) overWire(source *wire, doing string, ours bool, commands [][]string, written string) {
	if b.ctx.Err() != nil {
		return
	}
	var s sample
	s.Source = source.measured(func() {
		s.cost = b.runInner(batch{Commands: commands, Parallel: 1, Timeout: b.opts.timeout})
	})
	row := b.note(doing, ours, s)
	row.Wire = true
	if written != "" {
		row.Size = b.sizeOf(written)
	}
}

func (b *bench) local(doing string, ours bool, command ...string) {
	if _, err := exec.LookPath(command[0]); err != nil || b.ctx.Err() != nil {
		return
	}
	b.note(doing, ours, sample{cost: b.runInner(batch{Commands: [][]string{command}, Timeout: b.opts.timeout})})
}

// load sends a bundle to an empty target. Whether the family arrived is asked only where ours
// is tried: others give its images names of their own.
func (b *bench) load(doing string, ours bool, f *family, command func(host string) []string) {
	b.scoped(func() {
		target := b.startWire(b.opts.target, registrytest.Options{})
		var s sample
		s.Target = target.measured(func() {
			s.cost = b.runInner(batch{Timeout: b.opts.timeout, Commands: [][]string{command(target.host())}})
		})
		if !ours {
			b.note(doing, ours, s)
			return
		}
		if s.Arrived = b.arrived(target.registry, f); s.Arrived < len(f.spec.artifacts) {
			b.Logf("load: %d of %d artifacts arrived: %s", s.Arrived, len(f.spec.artifacts), s.Said)
			s.Failed = max(s.Failed, 1)
		}
		b.note(doing, ours, s)
	})
}

func (b *bench) note(doing string, ours bool, s sample) *bundleRow {
	b.Logf("  %-45s %6.2f s, %5.2f CPU seconds, %.0f MiB resident, %.0f of its own", doing, s.Wall, s.CPU, s.Largest, s.Own)
	if s.Failed > 0 {
		b.Logf("  failed: %s", s.Said)
	}
	row := b.report.bundleRow(doing)
	if row == nil {
		row = &bundleRow{Doing: doing, Ours: ours}
		b.report.Bundle = append(b.report.Bundle, row)
	}
	row.Samples = append(row.Samples, s)
	return row
}

// sizeOf is the size of a file, or of all files in a folder.
func (b *bench) sizeOf(path string) (size int64) {
	b.check(filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	}))
	return size
}

func (r *report) bundleRow(doing string) *bundleRow {
	for _, row := range r.Bundle {
		if row.Doing == doing {
			return row
		}
	}
	return nil
}

func (r *bundleRow) failed() (n int) {
	for _, s := range r.Samples {
		n += s.Failed
	}
	return n
}

func (r *report) printBundle(p *printer) {
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
			toWire = times(median(row.Samples, wall), r.saveLimit())
		}
		if n := median(row.Samples, sourceRequests) + median(row.Samples, targetRequests); n > 0 {
			requests = fmt.Sprintf("%.0f", n)
		}
		cells := []string{row.Doing, fmt.Sprintf("%.2f", median(row.Samples, wall)), toWire,
			fmt.Sprintf("%.2f", median(row.Samples, cpu)), memoryOf(row.Samples), size, requests}
		if row.failed() > 0 {
			cells[1] = "**fails**"
		}
		rows = append(rows, cells)
	}
	p.table([]string{"", "seconds", "to the wire", "CPU seconds", memoryHead, "size ÷ unique", "requests"}, rows)
}

// saveLimit is the wire's limit without a target, in seconds.
func (r *report) saveLimit() float64 { return r.Family.ColdLimit - 2*r.opts.target.RTT.Seconds() }

const (
	mostBundle = 1.001 // × the unique bytes
	mostAhead  = 30    // MiB that a stream keeps of what comes next, beside what any copy takes
)

func (r *report) judgeBundle() {
	save := r.bundleRow(doingSave)
	if save == nil {
		return
	}
	for _, doing := range []string{doingSave, doingStream} {
		if row := r.bundleRow(doing); row != nil {
			ratio := median(row.Samples, wall) / r.saveLimit()
			r.bar(doing+", seconds to the wire's limit", ratio <= 1.15 && row.failed() == 0, "≤ 1.15 ×", "%.2f ×", ratio)
		}
	}
	size := float64(save.Size) / float64(r.Family.Unique)
	r.bar("bundle, size to unique bytes", size <= mostBundle, fmt.Sprintf("≤ %.3f ×", mostBundle), "%.5f ×", size)
	verify, sum := r.bundleRow(doingVerify), r.bundleRow(doingSum)
	if verify != nil && sum != nil {
		ratio := median(verify.Samples, wall) / median(sum.Samples, wall)
		r.bar("bundle verify, seconds to sha256sum's", ratio <= 1 && verify.failed() == 0, "≤ 1.00 ×", "%.2f ×", ratio)
	}
	for _, row := range r.Bundle {
		if row.Ours {
			most := float64(mostMemory)
			if row.Doing == doingStream {
				most += mostAhead
			}
			r.barMemory(row.Doing+", memory of its own", row.failed() == 0, median(row.Samples, own), most)
		}
	}
}
