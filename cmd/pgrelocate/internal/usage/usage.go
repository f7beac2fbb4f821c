// Package usage is how the program explains itself: help, the arguments that commands take, and
// what is said of those that they do not take.
package usage

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
	"github.com/pgrelocate/pgrelocate/internal/versions/suggest"
)

// NoArgs refuses every argument. One that looks like a registry was probably meant as one.
func NoArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if host := RegistryIn(args[0]); host != "" && cmd.Flags().Lookup("registry") != nil {
		return Errorf(cmd, "%s takes no arguments; did you mean --registry %s?", cmd.CommandPath(), host)
	}
	return Errorf(cmd, "%s takes no arguments; got %q", cmd.CommandPath(), args[0])
}

// RegistryIn is an argument that can only be meant as a registry; empty for all others. A file is
// what is there, or is called as bundles are.
func RegistryIn(arg string) string {
	host, err := ref.ParseFolder(arg)
	if err != nil || !strings.ContainsAny(host.Host, ".:") || bundleName.MatchString(arg) {
		return ""
	}
	if _, err := os.Stat(arg); err == nil {
		return ""
	}
	return host.String()
}

// bundleName is how files are called that may be bundles, and volumes of such.
var bundleName = regexp.MustCompile(`\.(tar|tgz|gz|xz|zst|zip|oci|json|[0-9]{3})$`)

// OneFile takes the file that an argument names, where no flag does.
func OneFile(file *string, args []string) error {
	if *file != "" {
		args = append([]string{*file}, args...)
	}
	if len(args) > 1 {
		return exit.Usagef("one file at a time, not %s", strings.Join(args, " and "))
	}
	if len(args) == 1 {
		*file = args[0]
	}
	return nil
}

// ExactArgs wants one argument for each name.
func ExactArgs(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return Errorf(cmd, "%s needs %s", cmd.CommandPath(), strings.Join(names[len(args):], " and "))
		case len(args) > len(names):
			return Errorf(cmd, "%s takes only %s; got %q too", cmd.CommandPath(), strings.Join(names, " and "), args[len(names)])
		}
		return nil
	}
}

// NoCommand explains an argument of the root, which can only be a mistyped command.
func NoCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if nearest := suggest.Nearest(args[0], names); nearest != "" {
		return Errorf(cmd, "there is no command %q; did you mean %q?", args[0], nearest)
	}
	return Errorf(cmd, "there is no command %q", args[0])
}

// ExplainFlagError puts cobra's flag errors into our words. It never repeats a value that
// may hold a password.
func ExplainFlagError(cmd *cobra.Command, err error) error {
	var (
		unknown *pflag.NotExistError
		invalid *pflag.InvalidValueError
		missing *pflag.ValueRequiredError
	)
	args := cmd.Flags().Args() // those before the flag
	switch {
	case errors.Is(err, pflag.ErrHelp):
		return err
	case cmd.HasSubCommands() && len(args) > 0: // the flag is that of a command which does not exist
		return NoCommand(cmd, args)
	case errors.As(err, &unknown):
		return unknownFlag(cmd, unknown)
	case errors.As(err, &invalid):
		flag := invalid.GetFlag()
		return Errorf(cmd, "--%s: %w", flag.Name, config.Explain(flag, invalid.GetValue(), errors.Unwrap(invalid)))
	case errors.As(err, &missing):
		kind, _ := pflag.UnquoteUsage(missing.GetFlag())
		return Errorf(cmd, "--%s needs a value, %s", missing.GetFlag().Name, kind)
	default:
		return Errorf(cmd, "%w", err)
	}
}

// NoFlag begins the name of a command's annotation that says why it has no flag which other programs have
// for the same: NoFlag + "create-namespace".
const NoFlag = "no flag "

func unknownFlag(cmd *cobra.Command, err *pflag.NotExistError) error {
	if short := err.GetSpecifiedShortnames(); short != "" {
		return Errorf(cmd, "there is no flag -%s", err.GetSpecifiedName())
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if !flag.Hidden {
			names = append(names, flag.Name)
		}
	})
	if instead := cmd.Annotations[NoFlag+err.GetSpecifiedName()]; instead != "" {
		return Errorf(cmd, "there is no flag --%s: %s", err.GetSpecifiedName(), instead)
	}
	if nearest := suggest.Nearest(err.GetSpecifiedName(), names); nearest != "" {
		return Errorf(cmd, "there is no flag --%s; did you mean --%s?", err.GetSpecifiedName(), nearest)
	}
	return Errorf(cmd, "there is no flag --%s", err.GetSpecifiedName())
}

// Errorf is a usage error that points to the command's help.
func Errorf(cmd *cobra.Command, format string, args ...any) error {
	return exit.Usagef("%w", fmt.Errorf(format, args...)).WithHint("%s --help", cmd.CommandPath())
}
