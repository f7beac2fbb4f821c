package report

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// What a run has written, events or metrics, tells of it afterwards.
func TestReadPast(t *testing.T) {
	dir := t.TempDir()
	moved := int64(42)
	account := Account{Results: []string{"copied", "failed"}, MovedBytes: &moved, Items: []Item{
		{Kind: "artifact", Name: "a", Result: "copied"}, {Kind: "artifact", Name: "b", Result: "failed", Bad: true, Reason: `no "b"`},
	}}
	opts := options(dir, night)
	opts.Registry = `registry.example.com/a"b\c`
	if err := finish(t, opts, account, Ending{}); err != nil {
		t.Fatal(err)
	}
	opts.Now = func() time.Time { return night.Add(time.Hour) }
	if err := finish(t, opts, account, Ending{Code: 3, Err: errors.New("1 of 2 failed")}); err != nil {
		t.Fatal(err)
	}
	for path, runs := range map[string]int{opts.Events: 2, opts.Metrics: 1} {
		past, err := ReadPast(path)
		if err != nil || len(past) != runs {
			t.Fatalf("ReadPast(%s) = %d runs, %v, want %d", filepath.Base(path), len(past), err, runs)
		}
		last := past[len(past)-1]
		if last.Command != "copy" || last.Product != "tanzu" || last.Registry != opts.Registry || last.ExitCode == nil || *last.ExitCode != 3 ||
			!last.Ended.Equal(night.Add(time.Hour)) || !last.LastSuccess.Equal(night) || last.Results["copied"] != 1 || *last.MovedBytes != moved {
			t.Errorf("ReadPast(%s) = %+v", filepath.Base(path), last)
		}
	}
}

// A run that was killed leaves no end, and perhaps half a line.
func TestReadPastOfKilledRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events")
	started := `{"schemaVersion":1,"event":"started","run":"2026-11-26T02:00:02Z","command":"copy","product":"tanzu"}` + "\n"
	for body, want := range map[string]int{started + `{"schemaVersion":1,"eve`: 1, "": 0, "hello\n": 0, `{"schemaVersion":2,"event":"started"}`: 0, "# HELP pgrelocate_x y\npgrelocate_x{a=\"": 0} {
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		past, err := ReadPast(path)
		if len(past) != want || (want == 0) != errors.Is(err, ErrNoReport) || want == 1 && past[0].ExitCode != nil {
			t.Errorf("ReadPast(%q) = %+v, %v", body, past, err)
		}
	}
}
