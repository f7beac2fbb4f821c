package progress

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// Joint shows several copies that run at once as one, with how far each is. Use NewJoint.
type Joint struct {
	w       *Shared
	mode    Mode
	columns func() int

	mu      sync.Mutex
	labels  []string
	meters  map[string]*registry.Meter // by label, once known
	running int
	display *Display
}

// NewJoint will show copies with these labels, no two alike, as Start shows one.
func NewJoint(w *Shared, mode Mode, columns func() int, labels []string) *Joint {
	return &Joint{w: w, mode: mode, columns: columns, labels: labels, meters: map[string]*registry.Meter{}}
}

// Add shows a copy's meter until the function that it returns is called.
func (j *Joint) Add(label string, meter *registry.Meter) (stop func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.meters[label] = meter
	if j.running++; j.running == 1 {
		j.display = start(j.w, j.mode, &reader{meters: j.all, parts: j.parts}, j.columns)
	}
	return sync.OnceFunc(j.done)
}

func (j *Joint) done() {
	j.mu.Lock()
	var over *Display
	if j.running--; j.running == 0 {
		over = j.display
	}
	j.mu.Unlock()
	if over != nil {
		over.Stop()
	}
}

func (j *Joint) all() []*registry.Meter {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []*registry.Meter
	for _, label := range j.labels {
		if meter := j.meters[label]; meter != nil {
			all = append(all, meter)
		}
	}
	return all
}

// parts is "east 100%, west 43%". A copy that has not begun to move is not there yet.
func (j *Joint) parts() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	var parts []string
	for _, label := range j.labels {
		meter := j.meters[label]
		if meter == nil {
			continue
		}
		s := snapshot{
			bytes: meter.BytesDone.Load(), bytesTotal: meter.BytesTotal.Load(),
			done: meter.ArtifactsDone.Load(), wanted: meter.ArtifactsTotal.Load(),
		}
		parts = append(parts, fmt.Sprintf("%s %d%%", label, min(100, s.percent())))
	}
	return strings.Join(parts, ", ")
}
