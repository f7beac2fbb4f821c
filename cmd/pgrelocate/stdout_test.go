package main

import (
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// failingWriter takes nothing.
type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// What cannot be written to stdout is an error, whichever command wrote it: a script must not take an
// empty file for an answer.
func TestStdoutThatTakesNothing(t *testing.T) {
	elsewhere(t)
	lines := [][]string{
		{}, {"--version"}, {"help"}, {"version"}, {"version", "-o", "json"}, {"products"}, {"config"}, {"config", "-o", "yaml"},
		{"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"completion", "powershell"}, {"__complete", ""},
	}
	for _, path := range commandPaths() {
		lines = append(lines, append([]string{"help"}, path...), append(path, "--help"))
	}
	for _, args := range lines {
		code, messages := runInto(t, failingWriter{syscall.ENOSPC}, args)
		want := "error: writing to standard output: no space left on device\n"
		if code != exit.Failure || !strings.HasSuffix(messages, want) { // cobra says which completion it was
			t.Errorf("run(%q) into a full disk = %d, %q, want %d, %q", args, code, messages, exit.Failure, want)
		}
	}
}

// Nobody is told that nobody reads a help to its end.
func TestStdoutThatNobodyReads(t *testing.T) {
	elsewhere(t)
	if code, messages := runInto(t, failingWriter{syscall.EPIPE}, []string{"copy", "--help"}); code != exit.OK || messages != "" {
		t.Errorf("run(copy --help) into a closed pipe = %d, %q, want %d and nothing", code, messages, exit.OK)
	}
}

// commandPaths are all commands, as they are typed.
func commandPaths() (paths [][]string) {
	streams, _, _ := terminal.Test("")
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			if !sub.Hidden {
				paths = append(paths, strings.Fields(sub.CommandPath())[1:])
				walk(sub)
			}
		}
	}
	walk(newRootCommand(newApp(streams)))
	return paths
}

// runInto runs the program with a stdout.
func runInto(t *testing.T, out io.Writer, args []string) (code int, messages string) {
	t.Helper()
	streams, _, said := terminal.Test("")
	streams.Out = out
	return run(t.Context(), args, streams), said.String()
}
