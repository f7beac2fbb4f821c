package chart

import (
	"fmt"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/cli/values"
	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/internal/versions"
)

// Rewrite computes the values that make a release run from where its artifacts went:
// each of the mapping's values that names one of the artifacts gets its target, and the
// pull secret's name where pullSecret is not empty. What was not relocated keeps the
// chart's default.
func Rewrite(mapping []versions.Value, artifacts []versions.Artifact, pullSecret string) map[string]any {
	rewritten := map[string]any{}
	for _, value := range mapping {
		if value.PullSecret != "" {
			if pullSecret != "" {
				set(rewritten, value.Path, secretValue(value.PullSecret, pullSecret))
			}
			continue
		}
		at := slices.IndexFunc(artifacts, value.Names)
		if at >= 0 {
			set(rewritten, value.Path, value.Of(artifacts[at].Target))
		}
	}
	return rewritten
}

func secretValue(form versions.SecretForm, name string) any {
	switch form {
	case versions.SecretNames:
		return []any{name}
	case versions.SecretObjects:
		return []any{map[string]any{"name": name}}
	default:
		return name
	}
}

func set(into map[string]any, path []string, value any) {
	for _, element := range path[:len(path)-1] {
		inner, ok := into[element].(map[string]any)
		if !ok {
			inner = map[string]any{}
			into[element] = inner
		}
		into = inner
	}
	into[path[len(path)-1]] = value
}

// UserValues are what a user adds to the rewritten values, as helm's flags of the same
// names take them. The zero value adds nothing.
type UserValues struct {
	// Files are paths of YAML files.
	Files []string
	// Set and SetString are KEY=VALUE.
	Set, SetString []string
}

// Over lays the user's values over base, which stays as it is.
func (u UserValues) Over(base map[string]any) (map[string]any, error) {
	for _, file := range u.Files {
		// Helm would fetch an address; a file that turns out to be a page is a surprise.
		if strings.Contains(file, "://") {
			return nil, fmt.Errorf("values file %s: only files on this machine are read", file)
		}
	}
	options := values.Options{ValueFiles: u.Files, Values: u.Set, StringValues: u.SetString}
	mine, err := options.MergeValues(nil)
	if err != nil {
		return nil, fmt.Errorf("reading your values: %w", err)
	}
	return chartutil.CoalesceTables(mine, copyValues(base)), nil
}

// FormatValues writes values as YAML.
func FormatValues(values map[string]any) ([]byte, error) { return yaml.Marshal(values) }

// UnknownValues are the paths of rewritten values that the chart does not have, which a
// chart of another release would silently ignore.
func (c *Chart) UnknownValues(mapping []versions.Value) ([]string, error) {
	defaults, err := c.Defaults()
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, value := range mapping {
		if !has(defaults, value.Path) {
			missing = append(missing, value.Key())
		}
	}
	return missing, nil
}

func has(values map[string]any, path []string) bool {
	inner, ok := values[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	below, ok := inner.(map[string]any)
	return ok && has(below, path[1:])
}
