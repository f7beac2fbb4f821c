package report

import (
	"sync"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// progressInterval is how often Progress tells how far it is.
const progressInterval = 10 * time.Second

// Planned tells what has to be moved.
func (r *Run) Planned(artifacts int, bytes int64) {
	if r != nil {
		r.events.send(func(e Envelope) any { return Planned{e, artifacts, bytes} }, "planned")
	}
}

// Progress tells of a meter until the function that it returns is called.
func (r *Run) Progress(meter *registry.Meter) (stop func()) {
	if r == nil || r.events == nil {
		return func() {}
	}
	tell := func() {
		r.events.send(func(e Envelope) any {
			return Progress{
				e, meter.BytesTotal.Load(), meter.BytesDone.Load(),
				meter.ArtifactsTotal.Load(), meter.ArtifactsDone.Load(), meter.ArtifactsFailed.Load(),
			}
		}, "progress")
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				tell()
			case <-done:
				tell()
				return
			}
		}
	}()
	return sync.OnceFunc(func() { close(done); <-ended })
}

// Item tells what became of something, once for each name.
func (r *Run) Item(item Item) {
	if r == nil || r.events == nil {
		return
	}
	item = r.hidden(item)
	key := item.Kind + " " + item.Name
	r.mu.Lock()
	known := r.told[key]
	r.told[key] = true
	r.mu.Unlock()
	if known {
		return
	}
	r.events.send(func(e Envelope) any {
		return ItemDone{e, item.Kind, item.Name, item.Source, item.Digest, item.Result, item.Bad, item.Reason}
	}, "item")
}

// Step tells of a step of an installation.
func (r *Run) Step(index, total int, name, phase, detail string) {
	if r != nil {
		r.events.send(func(e Envelope) any { return Step{e, index, total, name, phase, r.hide(detail)} }, "step")
	}
}

// Outage tells of a registry that fails, and of its recovery.
func (r *Run) Outage(o registry.Outage) {
	if r != nil {
		r.events.send(func(e Envelope) any {
			return Outage{e, string(o.Side), o.Host, outageStates[o.State], r.hide(o.Cause)}
		}, "outage")
	}
}

// Note tells what is being done, Warning what is probably wrong.
func (r *Run) Note(text string) { r.message("note", text) }

// Warning tells what is probably wrong.
func (r *Run) Warning(text string) { r.message("warning", text) }

func (r *Run) message(level, text string) {
	if r != nil {
		r.events.send(func(e Envelope) any { return Message{e, level, r.hide(text)} }, "message")
	}
}
