package progress

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// jointly shows two copies, of which one is done at once and the other is slow, and returns what stands in
// the last line while they run, and what is left on the screen.
func jointly(t *testing.T, mode Mode, columns int, labels [2]string, failed int64) (shown string, left []string) {
	t.Helper()
	var got bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		w := Share(&got)
		j := NewJoint(w, mode, func() int { return columns }, labels[:])
		fast, slow := moment(0, 800<<20, 0, 23, 0), moment(0, 800<<20, 0, 23, 0)
		stopSlow := j.Add(labels[1], slow) // what is shown has the order of the command line
		stopFast := j.Add(labels[0], fast)
		time.Sleep(barInterval)
		fast.BytesDone.Store(800 << 20)
		fast.ArtifactsDone.Store(23)
		stopFast()
		stopFast() // again it ends nothing
		for range 100 {
			slow.BytesDone.Add(3440 << 10)
			time.Sleep(100 * time.Millisecond)
		}
		slow.ArtifactsDone.Store(9)
		slow.ArtifactsFailed.Store(failed)
		fmt.Fprintln(w, "copied one")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		lines := screen(got.String())
		shown = lines[len(lines)-1]
		stopSlow()
	})
	return shown, screen(got.String())
}

// pace is what depends on which of two clocks ticks first.
var pace = regexp.MustCompile(`, [0-9.]+ MiB/s, [0-9]+s left`)

// One bar is about all copies, with how far each is, in a terminal of any width that has room for it: how
// fast they are gives way first.
func TestJointOnATerminal(t *testing.T) {
	short, hosts := [2]string{"east", "west"}, [2]string{"127.0.0.1:5000", "127.0.0.1:5001"}
	long := [2]string{strings.Repeat("e", 40), strings.Repeat("w", 40)}
	tests := []struct {
		columns int
		labels  [2]string
		failed  int64
		want    string
	}{
		{80, short, 0, "east 100%, west 41%  70% [========>....] 1.1 GiB/1.6 GiB, PACE"},
		{200, short, 0, "east 100%, west 41%  70% [===========================>............] 1.1 GiB/1.6 GiB, PACE"},
		{80, hosts, 0, "127.0.0.1:5000 100%, 127.0.0.1:5001 41%  70% [=========>.....] 1.1 GiB/1.6 GiB"},
		{200, hosts, 2, "127.0.0.1:5000 100%, 127.0.0.1:5001 41%, 2 failed  70% [===========================>............] 1.1 GiB/1.6 GiB, PACE"},
		{80, long, 2, "32/46 artifacts, 2 failed  70% [===>...] 1.1 GiB/1.6 GiB, PACE"},
		{30, short, 0, "70% 32/46 1.1 GiB"},
	}
	for _, tt := range tests {
		shown, left := jointly(t, Bar, tt.columns, tt.labels, tt.failed)
		if got := pace.ReplaceAllString(shown, ", PACE"); len(shown) >= tt.columns || got != tt.want {
			t.Errorf("at %d columns %v show\n%q, want\n%q", tt.columns, tt.labels, shown, tt.want)
		}
		if diff := cmp.Diff([]string{"copied one", ""}, left); diff != "" {
			t.Errorf("at %d columns the screen in the end (-want +got):\n%s", tt.columns, diff)
		}
	}
}

// A log has how far each is in every line.
func TestJointInALog(t *testing.T) {
	_, left := jointly(t, Lines, 80, [2]string{"east", "west"}, 0)
	for _, line := range left[:len(left)-1] {
		if line != "copied one" && !strings.Contains(line, "; east 100%, west ") {
			t.Errorf("the log has the line %q, want how far each is", line)
		}
	}
	if len(left) < 3 {
		t.Errorf("the log has %q, want lines on the way", left)
	}
}
