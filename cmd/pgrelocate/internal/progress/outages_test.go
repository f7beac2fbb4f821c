package progress

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// during tells of an outage that began at a moment, with one event.
func during(state registry.OutageState, since time.Time) registry.Outage {
	return registry.Outage{
		Side: registry.SideSource, Host: "registry.example.com", State: state,
		Cause: "503 Service Unavailable: closed until noon", Since: since, Next: time.Now(), Until: since.Add(5 * time.Minute),
	}
}

// outageOf has an outage of 37 seconds, told of every 5 seconds, and stops in the end; what
// stood on the screen after half of it is middle.
func outageOf(t *testing.T, mode Mode, columns int, end registry.OutageState) (written []string, middle string) {
	t.Helper()
	var got bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		w := Share(&got)
		o := WatchOutages(w, mode, func() int { return columns })
		since := time.Now()
		for range 8 {
			o.Tell(during(registry.OutageLasts, since))
			time.Sleep(4750 * time.Millisecond)
			synctest.Wait()
			w.mu.Lock()
			middle = w.bar
			w.mu.Unlock()
			time.Sleep(250 * time.Millisecond)
		}
		if end != registry.OutageLasts {
			o.Tell(during(end, since))
		}
		time.Sleep(time.Second)
		o.Stop()
		o.Stop()
	})
	return screen(got.String()), middle
}

func TestOutageOnATerminal(t *testing.T) {
	tests := []struct {
		end     registry.OutageState
		columns int
		stays   []string
	}{
		{registry.OutageOver, 200, []string{"source registry.example.com answers again, after 40s", ""}},
		{registry.OutageOver, 80, []string{"source registry.example.com answers again, after 40s", ""}},
		{registry.OutageGivenUp, 40, []string{""}},
		{registry.OutageLasts, 80, []string{"source registry.example.com has failed for 41s: 503 Service Unavailable: closed until noon", ""}},
	}
	for _, tt := range tests {
		stays, middle := outageOf(t, Bar, tt.columns, tt.end)
		const line = "source registry.example.com fails for 40s, 4m20s left at most: 503 Service Unavailable: closed until noon"
		if want := clip(line, tt.columns-1); middle != want {
			t.Errorf("at %d columns an outage shows %q, want %q", tt.columns, middle, want)
		}
		if diff := cmp.Diff(tt.stays, stays); diff != "" {
			t.Errorf("state %d at %d columns leaves on the screen (-want +got):\n%s", tt.end, tt.columns, diff)
		}
	}
}

// A log has one line when an outage is noticed and one when it is over; where it is given up
// the error is the second.
func TestOutageInALog(t *testing.T) {
	began := "source registry.example.com fails, and is tried again for 5m0s at most (--retry-timeout): 503 Service Unavailable: closed until noon"
	tests := []struct {
		mode Mode
		end  registry.OutageState
		want []string
	}{
		{Lines, registry.OutageOver, []string{began, "source registry.example.com answers again, after 40s", ""}},
		{Lines, registry.OutageGivenUp, []string{began, ""}},
		{Lines, registry.OutageLasts, []string{began, ""}},
		{None, registry.OutageOver, []string{""}},
	}
	for _, tt := range tests {
		got, _ := outageOf(t, tt.mode, 80, tt.end)
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("mode %d, state %d writes (-want +got):\n%s", tt.mode, tt.end, diff)
		}
	}
}

// What passes at once is nobody's business.
func TestShortOutageIsNotShown(t *testing.T) {
	for _, mode := range []Mode{Bar, Lines} {
		var got bytes.Buffer
		synctest.Test(t, func(*testing.T) {
			o := WatchOutages(Share(&got), mode, func() int { return 80 })
			since := time.Now()
			o.Tell(during(registry.OutageLasts, since))
			time.Sleep(noticed - lineInterval)
			o.Tell(during(registry.OutageOver, since))
			time.Sleep(time.Minute)
			o.Stop()
		})
		if got.Len() != 0 {
			t.Errorf("mode %d wrote %q about a short outage, want nothing", mode, got.String())
		}
	}
}

// An outage of the whole registry stands in the place of the bar, which comes back after it. While
// others are answered the bar says more.
func TestOutageBesideProgress(t *testing.T) {
	for _, urgent := range []bool{true, false} {
		var got bytes.Buffer
		w := Share(&got)
		w.showTrouble("source fails", urgent)
		if last := screen(got.String()); last[len(last)-1] != "source fails" {
			t.Errorf("the screen shows %q, want the outage", last)
		}
		w.show("1/3 bar")
		if last := screen(got.String()); (last[len(last)-1] == "source fails") != urgent {
			t.Errorf("urgent: %v; the screen shows %q", urgent, last)
		}
		w.showTrouble("", false)
		if last := screen(got.String()); last[len(last)-1] != "1/3 bar" {
			t.Errorf("the screen shows %q after the outage, want the bar", last)
		}
	}
}

// One request may wait on though others are answered: the outage is over when it no longer does.
func TestOutageOfOneRequest(t *testing.T) {
	var got bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		o := WatchOutages(Share(&got), Lines, func() int { return 80 })
		event := during(registry.OutageLasts, time.Now())
		event.Next = time.Now().Add(10 * time.Second)
		o.Tell(event)
		time.Sleep(time.Second)
		event.State = registry.OutageOver
		o.Tell(event)
		time.Sleep(time.Minute)
		o.Stop()
	})
	lines := screen(got.String())
	if len(lines) != 3 || !strings.Contains(lines[0], " fails, and is tried again ") || !strings.HasSuffix(lines[1], " answers again, after 10s") {
		t.Errorf("the log has %q, want that it fails, and that it answers again after 10s", lines)
	}
}

// Results on the same terminal do not stand behind a bar.
func TestBeside(t *testing.T) {
	var got bytes.Buffer
	w := Share(&got)
	out := w.Beside(&got)
	w.show("1/3 a bar")
	for _, part := range []string{"STATE ", "SIZE\n"} {
		if _, err := out.Write([]byte(part)); err != nil {
			t.Fatal(err)
		}
		w.show("2/3 a bar")
		w.show("3/3 a bar")
	}
	if diff := cmp.Diff([]string{"STATE SIZE", "3/3 a bar"}, screen(got.String())); diff != "" {
		t.Errorf("the screen (-want +got):\n%s", diff)
	}
	w.show("")
	if strings.Contains(screen(got.String())[1], "bar") {
		t.Errorf("the bar stays: %q", screen(got.String()))
	}
}
