package app

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
)

// named has an error about a file say by which flag, variable or setting the user has named it.
func (a *App) named(cmd *cobra.Command, err error) error {
	file := onlyPath(err)
	if file == nil {
		return err
	}
	by := ""
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		if by == "" && flag.Changed && namesFile(flag) && slices.Contains(values(flag), file.Path) {
			by = "--" + flag.Name
		}
	})
	for _, value := range a.Settings.Values() {
		if by == "" && value.Origin.Kind != config.FromDefault && slices.Contains(each(value.Text), file.Path) {
			by = value.Origin.Prefix(value.Key)
		}
	}
	word := strings.TrimLeft(by, "-")
	if by == "" || strings.Contains(err.Error(), by) || strings.HasPrefix(err.Error(), word+":") || strings.HasPrefix(err.Error(), word+" ") {
		return err // it says so
	}
	return fmt.Errorf("%s: %w", by, err)
}

// onlyPath is the file that an error is about; nil where it is about several things, or none.
func onlyPath(err error) *fs.PathError {
	for ; err != nil; err = errors.Unwrap(err) {
		if file, ok := err.(*fs.PathError); ok { //nolint:errorlint // it is unwrapped here
			return file
		}
	}
	return nil
}

// namesFile tells whether a flag's value is a file's name.
func namesFile(flag *pflag.Flag) bool {
	kind, _ := pflag.UnquoteUsage(flag)
	return kind == "FILE" || kind == "FOLDER" || kind == "DIR"
}

// values are a flag's: some may be given several times.
func values(flag *pflag.Flag) []string {
	if several, ok := flag.Value.(pflag.SliceValue); ok {
		return several.GetSlice()
	}
	return each(flag.Value.String())
}

// each is a text, and the parts of it if it is a list.
func each(text string) []string { return append(strings.Split(text, ","), text) }
