package main

import "github.com/spf13/cobra"

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
