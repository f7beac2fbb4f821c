package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/registry"
	"github.com/pgrelocate/pgrelocate/internal/registry/shard"
)

// options are those of a run at a time, which writes everything into a folder.
func options(dir string, at time.Time) Options {
	return Options{
		Command: "copy", Version: "v1", Product: "tanzu", Registry: "registry.example.com",
		Events: filepath.Join(dir, "events"), Metrics: filepath.Join(dir, "metrics"),
		Summary: filepath.Join(dir, "summary"), JUnit: filepath.Join(dir, "junit"),
		Now: func() time.Time { return at },
	}
}

func finish(t *testing.T, opts Options, account Account, ending Ending) error {
	t.Helper()
	run, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	run.Take(account)
	return run.Finish(ending)
}

func read(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

var night = time.Unix(1_800_000_000, 0)

// The last success is that of the file before, where it is of the same job.
func TestLastSuccess(t *testing.T) {
	dir := t.TempDir()
	failed := Ending{Code: exit.Failure, Err: errors.New("no route to host")}
	tests := []struct {
		name   string
		change func(*Options)
		after  time.Duration
		ending Ending
		want   string // of last_success; empty for none
	}{
		{"fails first", nil, 0, failed, ""},
		{"succeeds", nil, time.Hour, Ending{}, "1800003600"},
		{"fails", nil, 2 * time.Hour, failed, "1800003600"},
		{"fails again", nil, 3 * time.Hour, failed, "1800003600"},
		{"another registry", func(o *Options) { o.Registry = `other"\example` }, 4 * time.Hour, failed, ""},
		{"the first one again", nil, 5 * time.Hour, failed, ""},
	}
	for _, tt := range tests {
		opts := options(dir, night.Add(tt.after))
		if tt.change != nil {
			tt.change(&opts)
		}
		if err := finish(t, opts, Account{}, tt.ending); err != nil {
			t.Fatal(err)
		}
		got := ""
		for line := range strings.Lines(read(t, opts.Metrics)) {
			if strings.HasPrefix(line, lastSuccess+"{") {
				got = strings.TrimSpace(line[strings.LastIndex(line, " "):])
			}
		}
		if got != tt.want {
			t.Errorf("%s: last success %q, want %q", tt.name, got, tt.want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*.prom*")); len(left) > 0 {
		t.Errorf("%v is left, which a collector would read", left)
	}
}

// The text format: a metric's lines stand together after its HELP and TYPE, and no series twice.
func TestMetricsFormat(t *testing.T) {
	dir := t.TempDir()
	moved, drift := int64(7), 2
	account := Account{
		Results: []string{"copied", "failed"}, Items: []Item{{Kind: "artifact", Name: "a", Result: "copied"}},
		MovedBytes: &moved, Drift: &drift, Source: &registry.Counts{Requests: 3}, Target: &registry.Counts{Retries: 4},
	}
	run, err := Open(t.Context(), options(dir, night))
	if err != nil {
		t.Fatal(err)
	}
	run.Expires(registry.SideTarget, "b", night.Add(36*time.Hour))
	run.Expires(registry.SideTarget, "b", night.Add(24*time.Hour))
	run.Take(account)
	if err := run.Finish(Ending{}); err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join(dir, "metrics"))
	seen := map[string]bool{}
	current := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "# TYPE "); ok {
			current, _ = strings.CutSuffix(name, " gauge")
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		series, _, _ := strings.Cut(line, " ")
		if seen[series] || !strings.HasPrefix(series, current+"{") {
			t.Errorf("%s stands twice, or not below its TYPE", series)
		}
		seen[series] = true
	}
	for _, want := range []string{
		`pgrelocate_last_run_drift{command="copy",product="tanzu",registry="registry.example.com"} 2`,
		`pgrelocate_last_run_artifacts{command="copy",product="tanzu",registry="registry.example.com",result="failed"} 0`,
		`pgrelocate_credential_expiry_days{command="copy",product="tanzu",registry="registry.example.com",side="target",host="b"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("the metrics lack %s:\n%s", want, text)
		}
	}
}

// What registries say is text in each form, whatever is in it, and tells no secrets.
func TestHostileText(t *testing.T) {
	dir := t.TempDir()
	hostile := "</testcase>|<script>`` [x](javascript:y) \x1b[2J\x00 \"'& s3cret&more\n## heading"
	opts := options(dir, night)
	opts.Hide = func(text string) string { return strings.ReplaceAll(text, "s3cret&more", "***") }
	account := Account{Items: []Item{{Kind: "artifact", Name: "r/" + hostile, Result: "failed", Bad: true, Reason: hostile}}}
	if err := finish(t, opts, account, Ending{Code: exit.Partial, Err: errors.New(hostile)}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{opts.Events, opts.Metrics, opts.Summary, opts.JUnit} {
		if text := read(t, name); strings.Contains(text, "s3cret") || strings.Contains(text, "\x1b") || strings.Contains(text, "\x00") {
			t.Errorf("%s = %q, want no secret and no control character", filepath.Base(name), text)
		}
	}
	var parsed suites
	if err := xml.Unmarshal([]byte(read(t, opts.JUnit)), &parsed); err != nil {
		t.Fatalf("the XML is broken: %v", err)
	}
	if got := parsed.Suites[0].Cases[1].Failure.Text; !strings.Contains(got, "</testcase>|<script>``") || parsed.Failures != 1 || parsed.Tests != 2 {
		t.Errorf("JUnit = %+v, want the text as it is, and one failure of two", parsed)
	}
	for line := range strings.Lines(read(t, opts.Summary)) {
		if strings.Contains(line, "<script>") && !strings.Contains(line, "```</testcase>\\|<script>`` [x]") {
			t.Errorf("the summary has %q outside of a code span", line)
		}
		if strings.HasPrefix(line, "## heading") {
			t.Error("the summary has a heading that a registry wrote")
		}
	}
	for line := range strings.Lines(read(t, opts.Events)) {
		if err := json.Unmarshal([]byte(line), new(map[string]any)); err != nil {
			t.Errorf("%q is no JSON: %v", line, err)
		}
	}
}

func TestCode(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""}, {"a", "`a`"}, {"a|b", "`a\\|b`"}, {`a\|b\\|c`, "`a\\ \\|b\\\\ \\|c`"}, {"a\nb\t c", "`a b c`"},
		{"`a", "`` `a ``"}, {"a``b", "```a``b```"}, {strings.Repeat("ä", 700), "`" + strings.Repeat("ä", 600) + "…`"},
	} {
		if got := code(tt.text); got != tt.want {
			t.Errorf("code(%.20q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

// Events are told by many at once, and each is a line of its own, in order.
func TestEventsAreWhole(t *testing.T) {
	dir := t.TempDir()
	opts := options(dir, night)
	run, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				run.Note("hello")
				run.Item(Item{Kind: "artifact", Name: "a"})
			}
		})
	}
	all.Wait()
	if lines := strings.Count(read(t, opts.Events), "\n"); lines != 1+400+1 {
		t.Errorf("%d lines are there before the end, want a line for the beginning, each note, and the one item", lines)
	}
	stop := run.Progress(new(registry.Meter))
	stop()
	stop()
	if err := run.Finish(Ending{}); err != nil {
		t.Fatal(err)
	}
	seq := 0
	for line := range strings.Lines(read(t, opts.Events)) {
		var e Envelope
		if err := json.Unmarshal([]byte(line), &e); err != nil || e.Seq != seq+1 {
			t.Fatalf("after %d comes %q, %v", seq, line, err)
		}
		seq = e.Seq
	}
	if seq != 404 {
		t.Errorf("%d events, want 404", seq)
	}
}

// The first failure of a stream is told, and nothing is written after it.
func TestEventsThatBreak(t *testing.T) {
	reader, writer := io.Pipe()
	opts := Options{Events: "-", Stdout: writer, Metrics: filepath.Join(t.TempDir(), "m")}
	go func() {
		_, _ = reader.Read(make([]byte, 10))
		reader.CloseWithError(io.ErrClosedPipe)
	}()
	run, err := Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	err = run.Finish(Ending{})
	var missing *exit.ReportError
	if !errors.As(err, &missing) || !errors.Is(err, io.ErrClosedPipe) || exit.Code(err) != exit.Unreported {
		t.Errorf("Finish() = %v, want what broke", err)
	}
	if text := read(t, opts.Metrics); !strings.Contains(text, "last_run_exit_code{command=\"\",product=\"\",registry=\"\"} 7\n") {
		t.Errorf("metrics = %s\nwant exit code 7", text)
	}
}

// A run that was killed, or that a full disk has stopped, may leave half a line. What the next one tells is
// not lost with it.
func TestEventsAfterHalfALine(t *testing.T) {
	dir := t.TempDir()
	opts := options(dir, night)
	if err := finish(t, opts, Account{}, Ending{}); err != nil {
		t.Fatal(err)
	}
	whole := read(t, opts.Events)
	if err := os.WriteFile(opts.Events, []byte(whole+`{"schemaVersion":1,"ev`), 0o600); err != nil {
		t.Fatal(err)
	}
	opts.Now = func() time.Time { return night.Add(time.Hour) }
	if err := finish(t, opts, Account{}, Ending{}); err != nil {
		t.Fatal(err)
	}
	if text := read(t, opts.Events); !strings.HasPrefix(text, whole+"{\"schemaVersion\":1,\"ev\n{\"schemaVersion\":1,\"event\":\"started\"") {
		t.Errorf("events = %s, want the second run's on lines of their own", text)
	}
	runs, err := ReadPast(opts.Events)
	if err != nil || len(runs) != 2 || runs[1].ExitCode == nil {
		t.Errorf("ReadPast() = %d runs, %v, want two that are over", len(runs), err)
	}
}

// A file that is somebody else's, a link, or in no folder is refused before anything is done, and
// stays as it is.
func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	mine := filepath.Join(dir, "mine")
	link := filepath.Join(dir, "link")
	if err := os.WriteFile(mine, []byte(`{"schemaVersion":1}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(mine, link); err != nil {
		t.Skip(err)
	}
	for _, path := range []string{mine, link, dir, filepath.Join(dir, "none", "file")} {
		for i, opts := range []Options{{Events: path}, {Metrics: path}, {Summary: path}, {JUnit: path}} {
			if _, err := Open(t.Context(), opts); err == nil {
				t.Errorf("%s as report %d is taken", path, i)
			}
		}
	}
	if got := read(t, mine); got != `{"schemaVersion":1}`+"\n" {
		t.Errorf("the file is now %q", got)
	}
}

// A run that nobody wants reported costs its callers nothing to think about.
func TestNoRun(t *testing.T) {
	var run *Run
	run.Take(Account{})
	run.Note("a")
	run.Warning("a")
	run.Item(Item{})
	run.Planned(1, 1)
	run.Step(1, 1, "a", "done", "")
	run.Outage(registry.Outage{})
	run.Expires(registry.SideSource, "a", night)
	run.Progress(nil)()
	if err := run.Finish(Ending{}); err != nil {
		t.Error(err)
	}
}

// A status fits what Kubernetes keeps of it, whatever the error says, and replaces its own file only.
func TestStatus(t *testing.T) {
	dir := t.TempDir()
	opts := Options{Command: "copy", Status: filepath.Join(dir, "log"), Now: func() time.Time { return night }}
	if err := os.WriteFile(opts.Status, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	long := errors.New(strings.Repeat("<\x01\"", 5000))
	for range 2 {
		if err := finish(t, opts, Account{Shard: "1/4"}, Ending{Code: exit.Failure, Err: long, Hint: long.Error()}); err != nil {
			t.Fatal(err)
		}
	}
	text := read(t, opts.Status)
	got, ok := shard.ParseStatus(text)
	if !ok || got.Shard != "1/4" || got.ExitCode != exit.Failure || len(text) > longestStatus {
		t.Errorf("ParseStatus(%d bytes) = %+v, %v", len(text), got, ok)
	}
	if err := os.WriteFile(opts.Status, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), opts); !errors.Is(err, ErrNotOurs) {
		t.Errorf("Open(a file of somebody's) = %v, want %v", err, ErrNotOurs)
	}
	if _, ok := shard.ParseStatus("OOMKilled"); ok {
		t.Error("ParseStatus(OOMKilled) is a status")
	}
}
