package progress

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
	"github.com/pgrelocate/pgrelocate/internal/registry"
)

func TestModeOf(t *testing.T) {
	tests := []struct {
		name    string
		streams terminal.Streams
		silent  bool
		want    Mode
	}{
		{"a terminal", terminal.Streams{ErrTTY: true}, false, Bar},
		{"a CI log", terminal.Streams{}, false, Lines},
		{"a dumb terminal", terminal.Streams{ErrTTY: true, Dumb: true}, false, Lines},
		{"a CI system's terminal", terminal.Streams{ErrTTY: true, Logged: true}, false, Lines},
		{"NO_COLOR is about colour", terminal.Streams{ErrTTY: true, NoColor: true}, false, Bar},
		{"stdout is a terminal, stderr is not", terminal.Streams{OutTTY: true}, false, Lines},
		{"--quiet", terminal.Streams{ErrTTY: true}, true, None},
	}
	for _, tt := range tests {
		if got := ModeOf(tt.streams, tt.silent); got != tt.want {
			t.Errorf("%s: ModeOf(%+v, %v) = %v, want %v", tt.name, tt.streams, tt.silent, got, tt.want)
		}
	}
}

func at(second float64) time.Time { return time.Unix(0, int64(second*1e9)) }

// moment is a meter that stands at a share of 1 GiB.
func moment(done, total, artifacts, wanted, failed int64) *registry.Meter {
	m := &registry.Meter{}
	m.BytesTotal.Store(total)
	m.BytesDone.Store(done)
	m.ArtifactsTotal.Store(wanted)
	m.ArtifactsDone.Store(artifacts)
	m.ArtifactsFailed.Store(failed)
	return m
}

func TestReaderNeverGoesBackwards(t *testing.T) {
	m := moment(600, 1000, 5, 10, 1)
	r := &reader{meters: only(m)}
	before := r.read(at(1))
	m.BytesDone.Store(400)
	m.BytesTotal.Store(900)
	m.ArtifactsDone.Store(2)
	m.ArtifactsFailed.Store(0)
	after := r.read(at(2))
	if after.bytes < before.bytes || after.bytesTotal < before.bytesTotal || after.done < before.done || after.failed < before.failed || after.percent() < before.percent() {
		t.Errorf("read() = %+v after %+v, want nothing smaller", after, before)
	}
}

func TestReaderStaysWithinTheTotal(t *testing.T) {
	if got := (&reader{meters: only(moment(1200, 1000, 11, 10, 0))}).read(at(1)); got.percent() != 100 || got.done != 10 {
		t.Errorf("read() = %+v, want 100%% and 10 artifacts", got)
	}
}

func TestRate(t *testing.T) {
	m := moment(0, 100<<20, 0, 1, 0)
	r := &reader{meters: only(m)}
	if got := r.read(at(0)); got.rate != 0 || got.left() != "" {
		t.Errorf("first read() has rate %v and %q left, want none", got.rate, got.left())
	}
	for s := 1; s <= 20; s++ {
		m.BytesDone.Add(1 << 20)
		r.read(at(float64(s)))
	}
	got := r.last
	if rate := got.rate / (1 << 20); rate < 0.99 || rate > 1.01 {
		t.Errorf("rate = %.2f MiB/s, want 1", rate)
	}
	if want := "1m21s left"; got.left() != want {
		t.Errorf("left() = %q, want %q", got.left(), want)
	}
	for s := 21; s <= 40; s++ { // nothing moves any more
		r.read(at(float64(s)))
	}
	if r.last.rate != 0 || r.last.left() != "" {
		t.Errorf("after a stall rate is %v and left() %q, want none", r.last.rate, r.last.left())
	}
}

// A log gets a line at each step of ten percent and every ten seconds, never two within
// two seconds, and none at the end, where the summary follows.
func TestLines(t *testing.T) {
	const total = 1000 << 20
	due := &lines{last: at(0)}
	var got []string
	for _, step := range []struct {
		second  float64
		percent int64
	}{
		{0.5, 1}, {1.5, 15}, {2.5, 16}, {4, 17}, {9, 18}, {12.5, 19}, {13, 25}, {15, 26}, {16, 95}, {17.5, 99}, {30, 100},
	} {
		s := snapshot{at: at(step.second), bytes: total * step.percent / 100, bytesTotal: total, done: 3, wanted: 23}
		if line := due.next(s); line != "" {
			got = append(got, fmt.Sprintf("%gs: %s", step.second, line))
		}
	}
	want := []string{
		"2.5s: 16%, 160 MiB of 1000 MiB, 3/23 artifacts",
		"12.5s: 19%, 190 MiB of 1000 MiB, 3/23 artifacts",
		"15s: 26%, 260 MiB of 1000 MiB, 3/23 artifacts",
		"17.5s: 99%, 990 MiB of 1000 MiB, 3/23 artifacts",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestLineWithoutBytes(t *testing.T) {
	s := snapshot{done: 5, wanted: 10, failed: 2}
	if got, want := s.line(), "50%, 5/10 artifacts, 2 failed"; got != want {
		t.Errorf("line() = %q, want %q", got, want)
	}
}

func TestBarFitsEveryTerminal(t *testing.T) {
	for _, failed := range []int64{0, 12} {
		s := snapshot{at: at(1), bytes: 700 << 20, bytesTotal: 1600 << 20, done: 22, wanted: 23, failed: failed, rate: 123.4 * (1 << 20)}
		for columns := 1; columns <= 250; columns++ {
			got := (&bar{}).line(s, columns)
			if len(got) > max(columns-1, 0) {
				t.Errorf("line of %d columns has %d: %q", columns, len(got), got)
			}
			if strings.ContainsAny(got, "\r\n\x1b") {
				t.Errorf("line of %d columns = %q, which holds control characters", columns, got)
			}
		}
	}
}

func TestBarShows(t *testing.T) {
	s := snapshot{at: at(1), bytes: 800 << 20, bytesTotal: 1600 << 20, done: 12, wanted: 23, rate: 80 << 20}
	for _, tt := range []struct {
		columns int
		want    []string
	}{
		{200, []string{"12/23 artifacts", " 50% ", "[===================>....................]", "] 800 MiB/1.6 GiB, 80 MiB/s, 11s left"}},
		{80, []string{"12/23 artifacts", " 50% ", "[=======>.........]", "] 800 MiB/1.6 GiB, 80 MiB/s, 11s left"}},
		{40, []string{"50% 12/23 800 MiB"}},
	} {
		got := (&bar{}).line(s, tt.columns)
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("line of %d columns = %q, want it to contain %q", tt.columns, got, want)
			}
		}
	}
}

func TestBarAtTheEnd(t *testing.T) {
	b := &bar{}
	s := snapshot{at: at(1), bytes: 99, bytesTotal: 100, done: 1, wanted: 2}
	b.line(s, 80)
	s.bytes = 100
	b.line(s, 80)
	s.done = 2 // tags come after the last byte
	if got := b.line(s, 80); !strings.Contains(got, "2/2 artifacts") || !strings.Contains(got, "100%") {
		t.Errorf("last line = %q, want 2/2 artifacts and 100%%", got)
	}
	s = snapshot{done: 3, wanted: 23}
	if got, want := (&bar{}).line(s, 80), "3/23 artifacts"; got != want {
		t.Errorf("line without bytes to move = %q, want %q", got, want)
	}
}

// screen plays what was written on a terminal and returns its lines.
func screen(written string) []string {
	var lines []string
	var line []rune
	column := 0
	for _, c := range written {
		switch c {
		case '\n':
			lines, line, column = append(lines, strings.TrimRight(string(line), " ")), nil, 0
		case '\r':
			column = 0
		default:
			for len(line) <= column {
				line = append(line, ' ')
			}
			line[column] = c
			column++
		}
	}
	return append(lines, strings.TrimRight(string(line), " "))
}

func TestSharedDoesNotTearTheBar(t *testing.T) {
	var got bytes.Buffer
	w := Share(&got)
	fmt.Fprint(w, "user name: ") // a question has no newline and has to appear
	if got.String() != "user name: " {
		t.Fatalf("a question without a bar wrote %q", got.String())
	}
	fmt.Fprintln(w)
	w.show("1/3 a longer bar than the next")
	fmt.Fprintln(w, "warning: one")
	fmt.Fprint(w, "in two ")
	w.show("2/3 bar")
	fmt.Fprint(w, "pieces\nand three")
	if diff := cmp.Diff([]string{"user name:", "warning: one", "in two pieces", "2/3 bar"}, screen(got.String())); diff != "" {
		t.Errorf("the screen with a bar (-want +got):\n%s", diff)
	}
	w.show("")
	fmt.Fprintln(w, " done")
	if diff := cmp.Diff([]string{"user name:", "warning: one", "in two pieces", "and three done", ""}, screen(got.String())); diff != "" {
		t.Errorf("the screen after the bar (-want +got):\n%s", diff)
	}
}

func TestDisplay(t *testing.T) {
	tests := []struct {
		mode Mode
		bar  bool
	}{{None, false}, {Lines, false}, {Bar, true}}
	for _, tt := range tests {
		var got bytes.Buffer
		synctest.Test(t, func(*testing.T) {
			w := Share(&got)
			d := Start(w, tt.mode, moment(50, 100, 1, 2, 0), func() int { return 80 })
			time.Sleep(3 * barInterval)
			fmt.Fprintln(w, "note: in between")
			d.Stop()
			d.Stop()
		})
		if shown := strings.Contains(got.String(), "1/2 artifacts"); shown != tt.bar {
			t.Errorf("mode %v wrote %q; bar shown: %v, want %v", tt.mode, got.String(), shown, tt.bar)
		}
		if diff := cmp.Diff([]string{"note: in between", ""}, screen(got.String())); diff != "" {
			t.Errorf("mode %v leaves on the screen (-want +got):\n%s", tt.mode, diff)
		}
	}
}

func TestSharedIsSafe(t *testing.T) {
	var got bytes.Buffer
	w := Share(&got)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 50 {
				w.show(fmt.Sprintf("bar %d %d", i, j))
				fmt.Fprintf(w, "line %d %d\n", i, j)
			}
		})
	}
	wg.Wait()
	w.show("")
	lines := screen(got.String())
	for _, line := range lines[:len(lines)-1] {
		if !strings.HasPrefix(line, "line ") {
			t.Fatalf("the screen has the line %q, want only whole lines", line)
		}
	}
	if want := 4*50 + 1; len(lines) != want {
		t.Errorf("the screen has %d lines, want %d", len(lines), want)
	}
}

func TestLineWithoutArtifacts(t *testing.T) {
	s := snapshot{bytes: 1 << 20, bytesTotal: 2 << 20}
	if got, want := s.line(), "50%, 1.0 MiB of 2.0 MiB"; got != want {
		t.Errorf("line() = %q, want %q", got, want)
	}
	b := &bar{}
	for _, columns := range []int{20, 80} {
		if got := b.line(s, columns); strings.Contains(got, "0/0") {
			t.Errorf("line(%d columns) = %q, want no artifacts", columns, got)
		}
	}
}
