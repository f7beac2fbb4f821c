package about

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/app"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/usage"
)

// NewCompletionCommand makes `pgrelocate completion`.
func NewCompletionCommand(a *app.App) *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print a shell's completion script",
		Long: `Print the script that makes bash, zsh, fish or powershell complete commands, flags, and
the releases, versions, editions and extras of the catalogue.`,
		Example: `  # bash, for the current shell
  source <(pgrelocate completion bash)

  # bash, for every new shell
  pgrelocate completion bash \
    > ~/.local/share/bash-completion/completions/pgrelocate

  # zsh, into a folder of $fpath
  pgrelocate completion zsh > ~/.zfunc/_pgrelocate

  # fish
  pgrelocate completion fish > ~/.config/fish/completions/pgrelocate.fish`,
		ValidArgs: shells,
		Args:      usage.ExactArgs("SHELL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return writeCompletion(cmd.Root(), a, args[0], shells)
		},
	}
}

func writeCompletion(root *cobra.Command, a *app.App, shell string, shells []string) error {
	switch shell {
	case "bash":
		return root.GenBashCompletionV2(a.Out, true)
	case "zsh":
		return root.GenZshCompletion(a.Out)
	case "fish":
		return root.GenFishCompletion(a.Out, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(a.Out)
	}
	return exit.Usagef("no completion for the shell %q", shell).WithHint("there is one for %s", strings.Join(shells, ", "))
}
