package progress

import (
	"fmt"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// snapshot is a meter at one moment.
type snapshot struct {
	at                   time.Time
	bytes, bytesTotal    int64
	done, failed, wanted int64
	// rate is bytes a second over the last moments; 0 while nothing is known of it.
	rate float64
	// parts say how far each of several copies is; empty for one.
	parts string
}

// reader reads a meter again and again. What it returns never goes backwards, even where
// a counter should.
type reader struct {
	// meters are what is read, together; parts are as in snapshot, and may be nil.
	meters func() []*registry.Meter
	parts  func() string
	last   snapshot
	window []snapshot
}

// rateWindow is how far back the rate looks: far enough to be calm, near enough to be true.
const rateWindow = 10 * time.Second

func (r *reader) read(now time.Time) snapshot {
	s := snapshot{at: now}
	for _, meter := range r.meters() {
		s.bytesTotal += meter.BytesTotal.Load()
		s.wanted += meter.ArtifactsTotal.Load()
		s.failed += meter.ArtifactsFailed.Load()
		s.bytes += meter.BytesDone.Load()
		s.done += meter.ArtifactsDone.Load()
	}
	if r.parts != nil {
		s.parts = r.parts()
	}
	s.bytesTotal, s.wanted, s.failed = max(r.last.bytesTotal, s.bytesTotal), max(r.last.wanted, s.wanted), max(r.last.failed, s.failed)
	s.bytes = min(max(r.last.bytes, s.bytes), s.bytesTotal)
	s.done = min(max(r.last.done, s.done), s.wanted)
	s.rate = r.rate(s)
	r.last = s
	return s
}

// rate keeps the snapshots of the window and returns the mean over them.
func (r *reader) rate(s snapshot) float64 {
	r.window = append(r.window, s)
	for len(r.window) > 2 && s.at.Sub(r.window[0].at) > rateWindow {
		r.window = r.window[1:]
	}
	first := r.window[0]
	if took := s.at.Sub(first.at).Seconds(); took > 0 {
		return float64(s.bytes-first.bytes) / took
	}
	return 0
}

// percent is how much of the bytes have arrived, rounded down; where there are none to
// move, how many of the artifacts are done.
func (s snapshot) percent() int {
	switch {
	case s.bytesTotal > 0:
		return int(s.bytes * 100 / s.bytesTotal)
	case s.wanted > 0:
		return int(s.done * 100 / s.wanted)
	default:
		return 0
	}
}

// artifacts is "9/23 artifacts", with the failures if there are any. It is empty for a run
// of bytes alone, such as the checking of a bundle.
func (s snapshot) artifacts() string {
	if s.wanted == 0 && s.bytesTotal > 0 {
		return ""
	}
	text := fmt.Sprintf("%d/%d artifacts", s.done, s.wanted)
	if s.failed > 0 {
		text += fmt.Sprintf(", %d failed", s.failed)
	}
	return text
}

// each is "east 100%, west 43%", with the failures if there are any; empty for one copy.
func (s snapshot) each() string {
	if s.parts != "" && s.failed > 0 {
		return fmt.Sprintf("%s, %d failed", s.parts, s.failed)
	}
	return s.parts
}

// left is how long the rest will take; empty where that cannot be said.
func (s snapshot) left() string {
	rest := s.bytesTotal - s.bytes
	if s.rate < 1 || rest <= 0 {
		return ""
	}
	seconds := float64(rest) / s.rate
	if seconds > 99*3600 {
		return ""
	}
	return (time.Duration(seconds+1) * time.Second).String() + " left"
}

// figures is what stands beside a bar: "800 MiB/1.6 GiB, 80 MiB/s, 11s left".
func (s snapshot) figures() string { return s.amounts() + s.pace() }

func (s snapshot) amounts() string { return output.Bytes(s.bytes) + "/" + output.Bytes(s.bytesTotal) }

// pace is the rate and the time that is left, as far as they are known, to follow
// something else.
func (s snapshot) pace() (text string) {
	if s.rate >= 1 {
		text = ", " + output.Bytes(int64(s.rate)) + "/s"
	}
	if left := s.left(); left != "" {
		text += ", " + left
	}
	return text
}

// line is the snapshot as a line of a log.
func (s snapshot) line() string {
	text := fmt.Sprintf("%d%%", s.percent())
	if s.bytesTotal > 0 {
		text += fmt.Sprintf(", %s of %s", output.Bytes(s.bytes), output.Bytes(s.bytesTotal))
	}
	if artifacts := s.artifacts(); artifacts != "" {
		text += ", " + artifacts
	}
	text += s.pace()
	if s.parts != "" {
		text += "; " + s.parts
	}
	return text
}
