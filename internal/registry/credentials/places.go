package credentials

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/config/configfile"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// DockerFile is docker's config file: config.json in $DOCKER_CONFIG, or in ~/.docker.
func DockerFile() (string, error) {
	dir := os.Getenv(config.EnvOverrideConfigDir)
	if dir == "" {
		home, err := homeDir()
		if err != nil {
			return "", fmt.Errorf("looking for docker's config: %w; set HOME, or DOCKER_CONFIG to its folder", err)
		}
		dir = filepath.Join(home, ".docker")
	}
	return filepath.Join(dir, config.ConfigFileName), nil
}

// configFiles are those in which a login may be kept, in the order of what other tools do:
// one that is named for this purpose, docker's, podman's, and Helm's. They need not exist.
func configFiles() []string {
	var all []string
	add := func(dir string, path ...string) {
		if dir != "" {
			all = append(all, filepath.Join(append([]string{dir}, path...)...))
		}
	}
	add(os.Getenv("REGISTRY_AUTH_FILE"))
	if docker, err := DockerFile(); err == nil {
		all = append(all, docker)
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(dir) { // as below
		add(dir, "containers", "auth.json")
	}
	if runtime.GOOS == "linux" {
		add(runDir, "containers", strconv.Itoa(os.Getuid()), "auth.json")
	}
	config := configDir()
	add(config, "containers", "auth.json")
	if helm := os.Getenv("HELM_REGISTRY_CONFIG"); helm != "" {
		return append(all, helm)
	}
	add(config, "helm", "registry", "config.json")
	return all
}

// runDir is where podman keeps logins of users without a session; a variable for tests.
var runDir = "/run"

// configDir is the folder of the user's settings, as podman and Helm find it.
func configDir() string {
	if dir := os.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) { // what is relative is to be ignored
		return dir
	}
	home, err := homeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".config")
}

// homeDir is the user's. What lies below a relative one is the working directory's, and may be anybody's.
func homeDir() (string, error) {
	home, err := os.UserHomeDir()
	if err == nil && !filepath.IsAbs(home) {
		err = fmt.Errorf("the home folder %q is relative", home)
	}
	return home, err
}

// DockerVariable holds a config file as docker's, podman's and GitLab's runners take it; Located names it as
// a file.
const DockerVariable = configfile.DockerEnvConfigKey

// places are the config files to look into, the first that has a login wins.
func places() ([]*configfile.ConfigFile, error) {
	var found []*configfile.ConfigFile
	if text := os.Getenv(DockerVariable); text != "" {
		file := configfile.New(DockerVariable)
		if err := file.LoadFromReader(strings.NewReader(text)); err != nil {
			return nil, fmt.Errorf("reading credentials from %s: %w", DockerVariable, err)
		}
		found = append(found, file)
	}
	for _, name := range configFiles() {
		file, err := read(name)
		switch {
		case errors.Is(err, fs.ErrPermission) && strings.HasPrefix(name, runDir+"/"):
			continue // somebody else's, or none
		case err != nil:
			return nil, err
		}
		found = append(found, file)
	}
	return found, nil
}

// mostConfig is more than any config file with logins takes, in bytes. Docker's code makes of each byte of a file
// that means harm fifty and more.
const mostConfig = 1 << 20

// read reads a config file; one that does not exist is empty.
func read(name string) (*configfile.ConfigFile, error) {
	config, _, err := readText(name)
	return config, err
}

// readText is read with the text of the file too.
func readText(name string) (*configfile.ConfigFile, []byte, error) {
	file := configfile.New(name)
	f, err := os.Open(name) // also where it is a pipe, or /dev/null: people name such
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading credentials: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostConfig+1))
	if err == nil && len(text) > mostConfig {
		err = fmt.Errorf("%w: more than %d bytes", files.ErrTooLarge, mostConfig)
	}
	if err == nil {
		err = file.LoadFromReader(bytes.NewReader(text))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("reading credentials from %s: %w", name, err)
	}
	return file, text, nil
}
