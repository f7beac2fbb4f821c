package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"mvdan.cc/sh/v3/syntax"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// Every command of ours in a code block of the documentation is one that the program takes: the
// command exists, its flags do, and it has as many arguments as it wants.
func TestDocumentedCommands(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join(docs, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range append(pages, "../../README.md", "../../SECURITY.md") {
		for _, line := range commandsIn(t, read(t, page)) {
			seen++
			if err := checkCommand(line); err != nil {
				t.Errorf("%s: pgrelocate %s: %v", filepath.Base(page), strings.Join(line, " "), err)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d commands were found: that cannot be all", seen)
	}
}

// The test finds what is wrong.
func TestCheckCommand(t *testing.T) {
	for _, line := range []string{"copi --registry r", "copy --registri r", "load --registry r", "copy --registry r something", "bundle mend x"} {
		if err := checkCommand(strings.Fields(line)); err == nil {
			t.Errorf("checkCommand(%q) = nil", line)
		}
	}
}

// checkCommand holds a command line against the program's own, and runs nothing.
func checkCommand(args []string) error {
	streams, _, _ := terminal.Test("")
	root := newRootCommand(newApp(streams))
	cmd, rest, err := root.Find(args)
	if err != nil {
		return err
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if help, _ := cmd.Flags().GetBool("help"); help {
		return nil
	}
	if !cmd.Runnable() {
		return fmt.Errorf("%s wants a command below it", cmd.CommandPath())
	}
	return validate(cmd)
}

// validate asks what only the command line can tell; a command that has others below it takes no
// argument but their names.
func validate(cmd *cobra.Command) error {
	if cmd.HasSubCommands() && len(cmd.Flags().Args()) > 0 {
		return fmt.Errorf("%s has no command %q", cmd.CommandPath(), cmd.Flags().Arg(0))
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}

// commandsIn are the arguments of our own commands in a page's code blocks. Blocks in languages other
// than a shell's hold none; what a block shows of a session is taken where a prompt stands.
func commandsIn(t *testing.T, page string) [][]string {
	t.Helper()
	var all [][]string
	for _, block := range blocks(page) {
		file, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(block), "")
		if err != nil {
			if strings.Contains(block, "pgrelocate") {
				t.Errorf("no shell reads this block: %v\n%s", err, block)
			}
			continue
		}
		syntax.Walk(file, func(node syntax.Node) bool {
			if call, ok := node.(*syntax.CallExpr); ok && len(call.Args) > 0 && call.Args[0].Lit() == "pgrelocate" {
				all = append(all, words(call.Args[1:]))
			}
			return true
		})
	}
	return all
}

// words are the arguments as the program would get them; what the shell would put in is an
// address here.
func words(args []*syntax.Word) []string {
	var all []string
	for _, arg := range args {
		var b strings.Builder
		for _, part := range arg.Parts {
			b.WriteString(word(part))
		}
		all = append(all, b.String())
	}
	return all
}

func word(part syntax.WordPart) string {
	switch part := part.(type) {
	case *syntax.Lit:
		return strings.ReplaceAll(part.Value, "\\\n", "")
	case *syntax.SglQuoted:
		return part.Value
	case *syntax.DblQuoted:
		var b strings.Builder
		for _, inner := range part.Parts {
			b.WriteString(word(inner))
		}
		return b.String()
	}
	return "registry.example.com"
}

// blocks are a page's blocks of shell, and of sessions only what was typed. What is indented counts as
// typed where it begins with the program's name.
func blocks(page string) []string {
	var all []string
	parts := strings.Split(page, "\n```")
	for i, part := range parts {
		if i%2 == 0 {
			all = append(all, indented(part)...)
			continue
		}
		language, text, _ := strings.Cut(part, "\n")
		switch language {
		case "sh":
			all = append(all, text)
		case "console":
			all = append(all, typed(text)...)
		}
	}
	return all
}

func indented(text string) []string {
	var all []string
	for line := range strings.Lines(text) {
		code, ok := strings.CutPrefix(line, "    ")
		code = strings.TrimPrefix(code, "$ ")
		if ok && strings.HasPrefix(code, "pgrelocate ") && !strings.HasSuffix(strings.TrimSpace(code), "\\") {
			all = append(all, code)
		}
	}
	return all
}

// typed are the lines after prompts, each with those that carry it on.
func typed(session string) []string {
	var all []string
	on := false
	for line := range strings.Lines(session) {
		command, prompted := strings.CutPrefix(line, "$ ")
		switch {
		case prompted:
			all = append(all, command)
		case on:
			all[len(all)-1] += line
		}
		on = (prompted || on) && strings.HasSuffix(strings.TrimSpace(line), "\\")
	}
	return all
}
