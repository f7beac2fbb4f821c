package flagset

import "github.com/spf13/cobra"

// FileNames completes arguments and values that name files.
func FileNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}
