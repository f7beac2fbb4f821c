package main

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/pgrelocate/pgrelocate/internal/registry/registrytest"
)

// sample is one copy by one tool.
type sample struct {
	cost
	Source traffic `json:"source"`
	Target traffic `json:"target"`
	// Arrived is how many artifacts the target holds with the source's digest.
	Arrived int `json:"arrived"`
}

// copyOver lets a tool copy a family from one wire to another.
func (b *bench) copyOver(t *tool, f *family, source, target *wire, secure bool) sample {
	j := &job{source: source.host(), target: target.host(), artifacts: f.spec.artifacts, family: f.spec, dir: b.TempDir()}
	var env []string
	if secure {
		j.caFile = b.ca.File
		env = append(env, "SSL_CERT_FILE="+b.ca.File)
	}
	var s sample
	work := batch{Commands: t.commands(t, j), Parallel: t.parallel, Timeout: cmp.Or(t.timeout, b.opts.timeout), Env: env}
	s.Target = target.measured(func() {
		s.Source = source.measured(func() { s.cost = b.runInner(work) })
	})
	s.Arrived = b.arrived(target.registry, f)
	if s.Failed > 0 || s.Arrived < len(f.spec.artifacts) {
		b.Logf("%s: %d of %d artifacts arrived, %d commands failed: %s",
			t.name, s.Arrived, len(f.spec.artifacts), s.Failed, s.Said)
	}
	return s
}

// arrived counts the artifacts that a target holds.
func (b *bench) arrived(target *registrytest.Registry, f *family) int {
	n := 0
	for _, a := range f.spec.artifacts {
		desc, err := remote.Head(target.Reference(b, folder+"/"+a.String()), target.Remote(b.ctx)...)
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

// median is the middle of what f gives for each sample.
func median(samples []sample, f func(sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, f(s))
	}
	slices.Sort(values)
	if len(values) == 0 {
		return 0
	}
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}

// The figures of a sample that are quoted.
func wall(s sample) float64           { return s.Wall }
func cpu(s sample) float64            { return s.CPU }
func largest(s sample) float64        { return s.Largest }
func together(s sample) float64       { return s.Together }
func own(s sample) float64            { return s.Own }
func sourceRequests(s sample) float64 { return float64(s.Source.Requests) }
func targetRequests(s sample) float64 { return float64(s.Target.Requests) }
func fetched(s sample) float64        { return float64(s.Source.BlobBytes) }
func sent(s sample) float64           { return float64(s.Target.Up) }
func arrivedCount(s sample) float64   { return float64(s.Arrived) }
