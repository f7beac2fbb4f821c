package credentials

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"
)

// DockerFile is docker's config file: config.json in $DOCKER_CONFIG, or in ~/.docker.
func DockerFile() (string, error) {
	dir := os.Getenv(config.EnvOverrideConfigDir)
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("looking for docker's config: %w", err)
		}
		dir = filepath.Join(home, ".docker")
	}
	return filepath.Join(dir, config.ConfigFileName), nil
}

// podmanFile is the first of podman's files that there is: $REGISTRY_AUTH_FILE, or
// containers/auth.json in the runtime or the config directory; empty where there is none.
func podmanFile() string {
	if named := os.Getenv("REGISTRY_AUTH_FILE"); named != "" {
		return named
	}
	var dirs []string
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		dirs = append(dirs, dir)
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		dirs = append(dirs, dir)
	} else if home, err := os.UserHomeDir(); err == nil {
		dirs = append(dirs, filepath.Join(home, ".config"))
	}
	for _, dir := range dirs {
		name := filepath.Join(dir, "containers", "auth.json")
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			return name
		}
	}
	return ""
}

// places are the config files to look into, the first that has a login wins.
func places() ([]*configfile.ConfigFile, error) {
	docker, err := DockerFile()
	if err != nil {
		docker = "" // without a home directory there may still be podman's file
	}
	var found []*configfile.ConfigFile
	for _, name := range []string{docker, podmanFile()} {
		if name == "" {
			continue
		}
		file, err := read(name)
		if err != nil {
			return nil, err
		}
		found = append(found, file)
	}
	return found, nil
}

// read reads a config file; one that does not exist is empty.
func read(name string) (*configfile.ConfigFile, error) {
	file := configfile.New(name)
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading credentials: %w", err)
	}
	defer f.Close()
	if err := file.LoadFromReader(f); err != nil {
		return nil, fmt.Errorf("reading credentials from %s: %w", name, err)
	}
	return file, nil
}
