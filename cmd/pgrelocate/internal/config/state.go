package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
)

// StateFolder is where runs leave notes for each other: what the settings name, else pgrelocate
// below $XDG_STATE_HOME, or where the system keeps such files.
func (c *Config) StateFolder() (string, error) {
	if c.StateDir != "" {
		return c.StateDir, nil
	}
	// A relative one is to be ignored, says the XDG specification.
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "pgrelocate"), nil
	}
	var dir string
	var err error
	switch runtime.GOOS {
	case "windows":
		dir, err = os.UserCacheDir() // %LocalAppData%
	case "darwin":
		dir, err = os.UserConfigDir() // ~/Library/Application Support
	default:
		dir, err = os.UserHomeDir()
		dir = filepath.Join(dir, ".local", "state")
	}
	if err != nil || !filepath.IsAbs(dir) {
		return "", errors.New("the user has no home folder: set HOME, or name another folder with --state-dir")
	}
	return filepath.Join(dir, "pgrelocate"), nil
}
