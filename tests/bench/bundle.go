package main

import (
	"io/fs"
	"os/exec"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// bundle writes the family into a file over the source's link, checks the file, and loads it.
func (b *bench) bundle() {
	f := b.seed(families.New(b.opts.scale))
	b.describe(f)
	b.scoped(func() {
		source := b.startWire(b.opts.source, registrytest.Options{Root: f.Root, ReadOnly: true})
		b.drain(f, source)
		for run := range b.opts.runs {
			b.Logf("run %d of %d", run+1, b.opts.runs)
			b.scoped(func() { b.bundleOnce(f, source) })
		}
	})
}

func (b *bench) bundleOnce(f *families.Family, source *wire) {
	dir := b.TempDir()
	file := filepath.Join(dir, "family.tar")
	for _, t := range b.tools {
		if t.ours {
			save := []string{t.binary, "save", "--source", source.host(), "--release", families.Release, "--quiet", "--file"}
			b.overWire(source, figures.DoingSave, true, [][]string{append(save, file)}, file)
			b.overWire(source, figures.DoingStream, true, [][]string{discarding(append(save, "-"))}, "")
			b.local(figures.DoingVerify, true, t.binary, "bundle", "verify", "--quiet", file)
			b.load(figures.DoingLoad, true, f, func(host string) []string {
				return []string{t.binary, "load", "--quiet", "--file", file, "--registry", host}
			})
		}
	}
	b.local(figures.DoingSum, false, "sha256sum", file)
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
	var s figures.Sample
	s.Source = source.measured(func() {
		s.Cost = b.runInner(processes.Batch{Commands: commands, Parallel: 1, Timeout: b.opts.timeout})
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
	b.note(doing, ours, figures.Sample{Cost: b.runInner(processes.Batch{Commands: [][]string{command}, Timeout: b.opts.timeout})})
}

// load sends a bundle to an empty target. Whether the family arrived is asked only where ours
// is tried: others give its images names of their own.
func (b *bench) load(doing string, ours bool, f *families.Family, command func(host string) []string) {
	b.scoped(func() {
		target := b.startWire(b.opts.target, registrytest.Options{})
		var s figures.Sample
		s.Target = target.measured(func() {
			s.Cost = b.runInner(processes.Batch{Timeout: b.opts.timeout, Commands: [][]string{command(target.host())}})
		})
		if !ours {
			b.note(doing, ours, s)
			return
		}
		if s.Arrived = b.arrived(target.registry, f); s.Arrived < len(f.Spec.Artifacts) {
			b.Logf("load: %d of %d artifacts arrived: %s", s.Arrived, len(f.Spec.Artifacts), s.Said)
			s.Failed = max(s.Failed, 1)
		}
		b.note(doing, ours, s)
	})
}

func (b *bench) note(doing string, ours bool, s figures.Sample) *figures.BundleRow {
	b.Logf("  %-45s %6.2f s, %5.2f CPU seconds, %.0f MiB resident, %.0f of its own", doing, s.Wall, s.CPU, s.Largest, s.Own)
	if s.Failed > 0 {
		b.Logf("  failed: %s", s.Said)
	}
	row := b.report.BundleRow(doing)
	if row == nil {
		row = &figures.BundleRow{Doing: doing, Ours: ours}
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
