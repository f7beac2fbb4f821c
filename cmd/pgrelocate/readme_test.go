package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/demo"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// The README's tour is what a newcomer sees who types it: each command is run, in its order,
// beside a demonstration that keeps its registries.
func TestReadmeTour(t *testing.T) {
	tour := shownCommands(t, "README.md", "## A tour of 60 seconds")
	if len(tour) == 0 || tour[0].line != "pgrelocate demo --keep" {
		t.Fatalf("the tour begins with %v, want the demonstration", tour)
	}
	elsewhere(t)
	said := keepDemo(t)
	private, vendor := addresses(t, said)
	here := strings.NewReplacer(demo.PrivateAddress, private, demo.VendorAddress, vendor)
	there := strings.NewReplacer(private, demo.PrivateAddress, vendor, demo.VendorAddress)
	for _, step := range tour[1:] {
		args := strings.Fields(strings.TrimPrefix(here.Replace(step.line), "pgrelocate "))
		streams, out, messages := terminal.Test("")
		shown := out
		if code := run(t.Context(), args, streams); code != exit.OK {
			shown = messages
		}
		if diff := cmp.Diff(varying(step.output), varying(there.Replace(shown.String()))); diff != "" {
			t.Errorf("README.md shows of %q (-want +got):\n%s\n%s", step.line, diff, messages)
		}
	}
	// So are the commands that the demonstration itself tells.
	for _, line := range said {
		command, ok := strings.CutPrefix(line, "  pgrelocate ")
		if !ok {
			continue
		}
		streams, _, messages := terminal.Test("")
		if code := run(t.Context(), append(strings.Fields(command), overwriting(command)...), streams); code != exit.OK {
			t.Errorf("%q of the demonstration = exit code %d: %s", command, code, messages)
		}
	}
}

// overwriting lets a bundle take the place of the tour's.
func overwriting(command string) []string {
	if strings.HasPrefix(command, "save ") {
		return []string{"--overwrite"}
	}
	return nil
}

// shownCommand is a command in a page with the output that is shown under it.
type shownCommand struct{ line, output string }

// shownCommands are those of a section: indented, and with a prompt.
func shownCommands(t *testing.T, page, heading string) []shownCommand {
	t.Helper()
	_, section, found := strings.Cut(read(t, filepath.Join("..", "..", page)), heading+"\n")
	if !found {
		t.Fatalf("%s has no %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var all []shownCommand
	for line := range strings.Lines(section) {
		if command, ok := strings.CutPrefix(line, "    $ "); ok {
			all = append(all, shownCommand{line: strings.TrimSpace(command)})
		} else if len(all) > 0 && (strings.HasPrefix(line, "    ") || line == "\n") {
			all[len(all)-1].output += strings.TrimPrefix(line, "    ")
		}
	}
	return all
}

// keepDemo runs "pgrelocate demo --keep" until the test ends, and returns what it says once
// both registries stay. Interrupted, it ends well and leaves nothing behind.
func keepDemo(t *testing.T) []string {
	t.Helper()
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, interrupt := context.WithCancelCause(context.WithoutCancel(t.Context()))
	messages, writer := io.Pipe()
	streams, _, _ := terminal.Test("")
	streams.Err = writer
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{"demo", "--keep"}, streams)
		writer.Close()
	}()
	var said []string
	lines := bufio.NewScanner(messages)
	for lines.Scan() {
		said = append(said, lines.Text())
		if strings.HasPrefix(lines.Text(), "  pgrelocate load ") { // the last one
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, messages) }()
	t.Cleanup(func() {
		interrupt(exit.ErrInterrupted)
		if got := <-code; got != exit.OK {
			t.Errorf("demo --keep, interrupted = %d, want %d: %v", got, exit.OK, said)
		}
		if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
			t.Errorf("demo --keep leaves %v behind, %v", left, err)
		}
	})
	return said
}

// addresses are where the demonstration says that its registries listen.
func addresses(t *testing.T, said []string) (private, vendor string) {
	t.Helper()
	match := regexp.MustCompile(`copy --source (127\.\S+) --registry (127\.[^\s/]+)/tour`).FindStringSubmatch(strings.Join(said, "\n"))
	if match == nil {
		t.Fatalf("demo --keep does not say how to copy:\n%s", strings.Join(said, "\n"))
	}
	return match[2], match[1]
}

// varying leaves out of an output what is another one each time: how long it took, and the
// digest of a file that names ports.
func varying(output string) string {
	output = regexp.MustCompile(` in [0-9.]+m?s(?: \([^)]*\))?:`).ReplaceAllString(output, " in TIME:")
	output = regexp.MustCompile(`\b[0-9a-f]{64}\b`).ReplaceAllString(output, "DIGEST")
	return strings.TrimSpace(output)
}
