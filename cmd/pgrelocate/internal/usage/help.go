package usage

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/output"
)

// NewHelpCommand makes `pgrelocate help`.
func NewHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "help [COMMAND]",
		Short:   "Explain a command",
		Long:    "Explain a command; the same as COMMAND --help.",
		Example: `  pgrelocate help copy`,
		RunE:    showHelpOf,
	}
}

func showHelpOf(cmd *cobra.Command, args []string) error {
	topic, rest, err := cmd.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return NoCommand(cmd.Root(), args)
	}
	topic.InitDefaultHelpFlag()
	return topic.Help()
}

// ShowHelp is what a command does that only holds others.
func ShowHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// WidestHelp keeps the lines of a help short enough to be read.
const WidestHelp = 100

// ShowHelpText prints what a command is for, as wide as the terminal and no wider than is read
// well, and then its usage.
func ShowHelpText(a *app.App) func(*cobra.Command, []string) {
	return func(cmd *cobra.Command, _ []string) {
		text := cmp.Or(cmd.Long, cmd.Short)
		fmt.Fprintf(cmd.OutOrStdout(), "%s\n\n%s", Reflow(text, min(a.Width(), WidestHelp)), cmd.UsageString())
	}
}

// Reflow breaks paragraphs anew at a width. Lines that are indented stay as they are, and so do
// the paragraphs that have any.
func Reflow(text string, width int) string {
	paragraphs := strings.Split(strings.TrimSpace(text), "\n\n")
	for i, paragraph := range paragraphs {
		if !strings.HasPrefix(paragraph, " ") && !strings.Contains(paragraph, "\n ") {
			paragraphs[i] = strings.Join(output.Wrap(paragraph, width), "\n")
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// ShowUsage returns what cobra calls to print a command's usage: cobra's own layout, with
// flags wrapped at the width of the terminal.
func ShowUsage(a *app.App) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		var text strings.Builder
		writeUsage(&text, cmd, min(a.Width(), WidestHelp))
		_, err := fmt.Fprint(cmd.OutOrStderr(), text.String())
		return err
	}
}

func writeUsage(text *strings.Builder, cmd *cobra.Command, width int) {
	fmt.Fprintf(text, "Usage:\n  %s\n", cmd.UseLine())
	if cmd.HasExample() {
		fmt.Fprintf(text, "\nExamples:\n%s\n", cmd.Example)
	}
	for _, group := range cmd.Groups() {
		writeCommands(text, cmd, group.Title, group.ID)
	}
	writeCommands(text, cmd, "Commands:", "")
	writeFlags(text, "Flags:", cmd.LocalFlags(), width)
	writeFlags(text, "Flags of every command:", cmd.InheritedFlags(), width)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(text, "\n\"%s COMMAND --help\" says more about a command.\n", cmd.CommandPath())
	}
}

// writeCommands lists the commands of one group; an empty group is those that are in none.
func writeCommands(text *strings.Builder, cmd *cobra.Command, title, group string) {
	longest := 0
	var shown []*cobra.Command
	for _, sub := range cmd.Commands() {
		if sub.Hidden {
			continue
		}
		longest = max(longest, len(sub.Name()))
		if sub.GroupID == group {
			shown = append(shown, sub)
		}
	}
	if len(shown) == 0 {
		return
	}
	fmt.Fprintf(text, "\n%s\n", title)
	for _, sub := range shown {
		fmt.Fprintf(text, "  %-*s  %s\n", longest, sub.Name(), sub.Short)
	}
}

func writeFlags(text *strings.Builder, title string, flags *pflag.FlagSet, width int) {
	if !flags.HasAvailableFlags() {
		return
	}
	usages := flags.FlagUsagesWrapped(width)
	for at := width; widest(usages) > width && at > width/2; at-- { // pflag takes the width for a wish
		usages = flags.FlagUsagesWrapped(at)
	}
	fmt.Fprintf(text, "\n%s\n%s\n", title, strings.TrimRight(usages, " \n"))
}

// widest is how many characters the longest line has.
func widest(text string) (most int) {
	for line := range strings.Lines(text) {
		most = max(most, utf8.RuneCountInString(strings.TrimRight(line, " \n")))
	}
	return most
}
