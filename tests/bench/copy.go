package main

import (
	"cmp"
	"errors"
	"net/http"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
	"github.com/pgrelocate/pgrelocate/tests/bench/families"
	"github.com/pgrelocate/pgrelocate/tests/bench/figures"
	"github.com/pgrelocate/pgrelocate/tests/bench/processes"
)

// copyOver lets a tool copy a family from one wire to another.
func (b *bench) copyOver(t *tool, f *families.Family, source, target *wire, secure bool) figures.Sample {
	j := &job{source: source.host(), target: target.host(), artifacts: f.Spec.Artifacts, family: f.Spec, dir: b.TempDir()}
	var env []string
	if secure {
		j.caFile = b.ca.File
		env = append(env, "SSL_CERT_FILE="+b.ca.File)
	}
	var s figures.Sample
	work := processes.Batch{Commands: t.commands(t, j), Parallel: t.parallel, Timeout: cmp.Or(t.timeout, b.opts.timeout), Env: env}
	s.Target = target.measured(func() {
		s.Source = source.measured(func() { s.Cost = b.runInner(work) })
	})
	s.Arrived = b.arrived(target.registry, f)
	if s.Failed > 0 || s.Arrived < len(f.Spec.Artifacts) {
		b.Logf("%s: %d of %d artifacts arrived, %d commands failed: %s",
			t.name, s.Arrived, len(f.Spec.Artifacts), s.Failed, s.Said)
	}
	return s
}

// arrived counts the artifacts that a target holds.
func (b *bench) arrived(target *registrytest.Registry, f *families.Family) int {
	n := 0
	for _, a := range f.Spec.Artifacts {
		desc, err := remote.Head(target.Reference(b, families.Folder+"/"+a.String()), target.Remote(b.ctx)...)
		var refused *transport.Error
		if errors.As(err, &refused) && refused.StatusCode == http.StatusNotFound {
			continue
		}
		b.check(err)
		if desc.Digest.String() == f.Digests[a.String()] {
			n++
		}
	}
	return n
}
