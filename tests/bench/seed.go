package main

import (
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
)

// seed fills a source registry with a family, or finds one that an earlier run has filled.
func (b *bench) seed(spec *families.Spec) *families.Family {
	dir := b.opts.dir
	if dir == "" {
		dir = b.TempDir()
	}
	f := &families.Family{Spec: spec, Root: filepath.Join(dir, spec.Key())}
	note := f.Root + ".json"
	if data, err := os.ReadFile(note); err == nil {
		b.check(json.Unmarshal(data, f))
		return f
	}
	b.Logf("making %d artifacts in %s", len(spec.Artifacts), f.Root)
	b.check(os.RemoveAll(f.Root))
	b.check(os.MkdirAll(f.Root, 0o755))
	b.scoped(func() {
		source := b.startRegistry(registrytest.Options{Root: f.Root})
		f.Fill(b, source)
	})
	data, err := json.Marshal(f)
	b.check(err)
	b.check(os.WriteFile(note, data, 0o600))
	return f
}
