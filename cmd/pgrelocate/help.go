package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func newHelpCommand() *cobra.Command {
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
		return noCommand(cmd.Root(), args)
	}
	topic.InitDefaultHelpFlag()
	return topic.Help()
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }

// widestHelp keeps the lines of a help short enough to be read.
const widestHelp = 100

// showUsage returns what cobra calls to print a command's usage: cobra's own layout, with
// flags wrapped at the width of the terminal.
func showUsage(a *app) func(*cobra.Command) error {
	return func(cmd *cobra.Command) error {
		var text strings.Builder
		writeUsage(&text, cmd, min(a.Width(), widestHelp))
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
		fmt.Fprintf(text, "\n%s\n", group.Title)
		for _, sub := range cmd.Commands() {
			if sub.GroupID == group.ID && !sub.Hidden {
				fmt.Fprintf(text, "  %-*s  %s\n", sub.NamePadding(), sub.Name(), sub.Short)
			}
		}
	}
	writeFlags(text, "Flags:", cmd.LocalFlags(), width)
	writeFlags(text, "Flags of every command:", cmd.InheritedFlags(), width)
	if cmd.HasAvailableSubCommands() {
		fmt.Fprintf(text, "\n\"%s COMMAND --help\" says more about a command.\n", cmd.CommandPath())
	}
}

func writeFlags(text *strings.Builder, title string, flags *pflag.FlagSet, width int) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(text, "\n%s\n%s\n", title, strings.TrimRight(flags.FlagUsagesWrapped(width), " \n"))
}
