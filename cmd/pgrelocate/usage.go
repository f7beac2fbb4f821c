package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/versions"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// noArgs refuses every argument. One that looks like a registry was probably meant as one.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	host, err := ref.ParseFolder(args[0])
	if err == nil && strings.ContainsAny(host.Host, ".:") && cmd.Flags().Lookup("registry") != nil {
		return usagef(cmd, "%s takes no arguments; did you mean --registry %s?", cmd.CommandPath(), host)
	}
	return usagef(cmd, "%s takes no arguments; got %q", cmd.CommandPath(), args[0])
}

// exactArgs wants one argument for each name.
func exactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return usagef(cmd, "%s needs %s", cmd.CommandPath(), strings.Join(names[len(args):], " and "))
		case len(args) > len(names):
			return usagef(cmd, "%s takes only %s; got %q too", cmd.CommandPath(), strings.Join(names, " and "), args[len(names)])
		}
		return nil
	}
}

// noCommand explains an argument of the root, which can only be a mistyped command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if nearest := versions.Nearest(args[0], names); nearest != "" {
		return usagef(cmd, "there is no command %q; did you mean %q?", args[0], nearest)
	}
	return usagef(cmd, "there is no command %q", args[0])
}

// explainFlagError puts cobra's flag errors into our words. It never repeats a value that
// may hold a password.
func explainFlagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
	)
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		return usagef(cmd, "--%s: %w", flag.Name, config.Explain(flag, invalid.GetValue(), errors.Unwrap(invalid)))
	case errors.As(err, &missing):
		kind, _ := pflag.UnquoteUsage(missing.GetFlag())
		return usagef(cmd, "--%s needs a value, %s", missing.GetFlag().Name, kind)
	default:
		return usagef(cmd, "%w", err)
	}
}

func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	if short := err.GetSpecifiedShortnames(); short != "" {
		return usagef(cmd, "there is no flag -%s", err.GetSpecifiedName())
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			names = append(names, flag.Name)
		}
	})
	if nearest := versions.Nearest(err.GetSpecifiedName(), names); nearest != "" {
		return usagef(cmd, "there is no flag --%s; did you mean --%s?", err.GetSpecifiedName(), nearest)
	}
	return usagef(cmd, "there is no flag --%s", err.GetSpecifiedName())
}

// usagef is a usage error that points to the command's help.
func usagef(cmd *cobra.Command, format string, args ...any) error {
	return exit.Usagef("%w", fmt.Errorf(format, args...)).WithHint("%s --help", cmd.CommandPath())
}
