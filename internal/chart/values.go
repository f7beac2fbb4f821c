package chart

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/chart/valuetree"
	"github.com/pgrelocate/pgrelocate/internal/files"
)

// UserValues are what a user adds to the rewritten values, as helm's flags of the same
// names take them. The zero value adds nothing.
type UserValues struct {
	// Files are paths of YAML files.
	Files []string
	// Set, SetString, SetJSON and SetFile are KEY=VALUE; SetFile's values are names of files.
	Set, SetString, SetJSON, SetFile []string
}

// Over lays the user's values over base, which stays as it is.
func (u UserValues) Over(base map[string]any) (map[string]any, error) {
	for _, file := range slices.Concat(u.Files, u.SetFile) {
		// Helm would fetch an address; a file that turns out to be a page is a surprise.
		if strings.Contains(file, "://") {
			return nil, fmt.Errorf("values file %s: only files on this machine are read", file)
		}
		_, name, isSet := strings.Cut(file, "=")
		if !isSet {
			name = file
		}
		if err := files.CheckReadable(name); err != nil {
			return nil, fmt.Errorf("values file: %w", err)
		}
	}
	options := values.Options{ValueFiles: u.Files, Values: u.Set, StringValues: u.SetString, JSONValues: u.SetJSON, FileValues: u.SetFile}
	mine, err := options.MergeValues(nil)
	if err != nil {
		return nil, fmt.Errorf("reading your values: %w", err)
	}
	// Not CoalesceTables, which drops a null before it has told helm to drop the chart's default.
	return chartutil.MergeTables(mine, valuetree.CopyValues(base)), nil
}

// Lay lays values over others, as helm lays one values file over another. Both stay as they are.
func Lay(over, under map[string]any) map[string]any {
	return chartutil.MergeTables(valuetree.CopyValues(over), valuetree.CopyValues(under))
}

// FormatValues writes values as YAML.
func FormatValues(values map[string]any) ([]byte, error) { return yaml.Marshal(values) }
