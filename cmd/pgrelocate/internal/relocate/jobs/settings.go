package jobs

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/yaml"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/config"
	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/exit"
	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/install/jobs"
)

// mostCarried is how many bytes of files go into a ConfigMap, which may have a mebibyte.
const mostCarried = 512 << 10

// carried are the settings that name files of this machine, which pods get along.
var carried = []string{"catalogue", "ca-file", "verify-key", "trusted-root"}

// podFiles are the config file of pods, with the settings of some groups that are not their defaults,
// and more, and the files that these name.
func podFiles(ctx context.Context, values []config.Value, more map[string]string, groups ...[]string) (map[string]string, error) {
	carry, settings, size := map[string]string{}, map[string]string{}, 0
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
			text, err := readCarried(ctx, path)
			if err != nil {
				return nil, exit.Misnamed(fmt.Errorf("%s: %w", v.Origin.Prefix(v.Key), err))
			}
			if size += len(text); size > mostCarried {
				return nil, exit.Usagef("%s: %s is too large for a ConfigMap", v.Origin.Prefix(v.Key), path)
			}
			name := fmt.Sprintf("%s-%d%s", v.Key, i, filepath.Ext(path))
			carry[name] = string(text)
			there = append(there, jobs.SettingsPath(name))
		}
		settings[v.Key] = strings.Join(there, ",")
	}
	maps.Copy(settings, more)
	text, err := yaml.Marshal(settings)
	carry[jobs.SettingsFile] = string(text)
	return carry, err
}

// readCarried reads what goes into a ConfigMap, which many may read: no key that is to be kept secret, as
// lies beside certificates in some files.
func readCarried(ctx context.Context, path string) ([]byte, error) {
	text, err := files.ReadSmall(ctx, path, mostCarried+1)
	switch {
	case err != nil:
		return nil, err
	case bytes.Contains(text, []byte("PRIVATE KEY-----")):
		return nil, exit.Usagef("%s holds a private key, and goes into a ConfigMap, which is no secret: name a file without", path)
	case !utf8.Valid(text):
		return nil, exit.Usagef("%s is no text", path)
	}
	return text, nil
}
