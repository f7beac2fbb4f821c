package cluster

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/pgrelocate/pgrelocate/internal/files"
	"github.com/pgrelocate/pgrelocate/internal/yamllimit"
)

// onlyOwn leaves out what client-go looks for in the working directory where it knows no home: anybody may
// have put it there, with programs to run in it.
func onlyOwn(rules *clientcmd.ClientConfigLoadingRules) {
	if filepath.IsAbs(clientcmd.RecommendedHomeFile) || os.Getenv(clientcmd.RecommendedConfigPathEnvVar) != "" {
		return
	}
	rules.Precedence, rules.MigrationRules = nil, nil
}

// noConfig says why there is no configuration; places are where it was looked for.
func noConfig(err error, places []string) error {
	if clientcmd.IsEmptyConfig(err) || errors.Is(err, rest.ErrNotInCluster) {
		if len(places) == 0 {
			return fmt.Errorf("%w, and no home folder to look for one: HOME is not set", ErrNoKubeconfig)
		}
		if os.Getenv(clientcmd.RecommendedConfigPathEnvVar) == "" {
			return fmt.Errorf("%w: %s", ErrNoKubeconfig, strings.Join(places, ", "))
		}
		for _, place := range places {
			if _, missing := os.Stat(place); missing != nil { // client-go passes over such
				err = fmt.Errorf("$%s: %w", clientcmd.RecommendedConfigPathEnvVar, missing)
			}
		}
	}
	return Wrap(ErrKubeconfig, fmt.Errorf("%w: %w", ErrNoCluster, err))
}

// mostKubeconfig is more than a thousand clusters take, with their certificates, in bytes.
const mostKubeconfig = 8 << 20

// checkPlaces refuses files that are no kubeconfig by their size, or by how many values they have: client-go reads
// whatever is there.
func checkPlaces(rules *clientcmd.ClientConfigLoadingRules) error {
	places := rules.Precedence
	if rules.ExplicitPath != "" {
		places = []string{rules.ExplicitPath}
	}
	for _, place := range places {
		if err := checkPlace(place); err != nil {
			return err
		}
	}
	return nil
}

// checkPlace looks at one file. What is wrong with one that cannot be read client-go says, and a pipe can be read
// once only.
func checkPlace(place string) error {
	if info, err := os.Stat(place); err != nil || !info.Mode().IsRegular() {
		return nil //nolint:nilerr // see above
	}
	text, err := files.ReadRegular(place, mostKubeconfig)
	switch {
	case errors.Is(err, files.ErrTooLarge):
		return err
	case err != nil:
		return nil //nolint:nilerr // see above
	}
	if err = yamllimit.Check(text); err != nil {
		return fmt.Errorf("reading %s: %w", place, err)
	}
	return nil
}
