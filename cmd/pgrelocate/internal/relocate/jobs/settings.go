package jobs

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/install/jobs"
)

// mostCarried is how many bytes of files go into a ConfigMap, which may have a mebibyte.
const mostCarried = 512 << 10

// carried are the settings that name files of this machine, which pods get along.
var carried = []string{"catalogue", "ca-file", "verify-key", "trusted-root"}

// podFiles are the config file of pods, with the settings of some groups that are not their defaults,
// and more, and the files that these name.
func podFiles(values []config.Value, more map[string]string, groups ...[]string) (map[string]string, error) {
	files, settings, size := map[string]string{}, map[string]string{}, 0
	for _, v := range values {
		if v.Origin.Kind == config.FromDefault || !slices.Contains(slices.Concat(groups...), v.Key) {
			continue
		}
		settings[v.Key] = v.Text
		if !slices.Contains(carried, v.Key) {
			continue
		}
		var there []string
		for i, path := range strings.Split(v.Text, ",") {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, exit.Misnamed(fmt.Errorf("%s: %w", v.Origin.Prefix(v.Key), err))
			}
			if size += len(text); size > mostCarried {
				return nil, exit.Usagef("%s: %s is too large for a ConfigMap", v.Origin.Prefix(v.Key), path)
			}
			name := fmt.Sprintf("%s-%d%s", v.Key, i, filepath.Ext(path))
			files[name] = string(text)
			there = append(there, jobs.SettingsPath(name))
		}
		settings[v.Key] = strings.Join(there, ",")
	}
	maps.Copy(settings, more)
	text, err := yaml.Marshal(settings)
	files[jobs.SettingsFile] = string(text)
	return files, err
}
