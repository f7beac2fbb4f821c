// Package selfimage makes an image of the program itself, for clusters to run it in, without a
// container engine: the program, the public certificate authorities, a user that is not root, and
// nothing else. Open finds out what a file holds, Build makes the image.
package selfimage

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// mainPackage is what the program says of itself.
const mainPackage = "github.com/pgrelocate/pgrelocate/cmd/pgrelocate"

// Program is a file that holds the program for one platform. Use Open.
type Program struct {
	// Platform is Linux on some processor.
	Platform v1.Platform
	path     string
}

// Open reads what a file says of itself. It fails where that is another program, one for another
// system than Linux, or one that wants libraries which the image does not have.
func Open(path string) (Program, error) {
	if _, err := os.Stat(path); err != nil {
		return Program{}, err
	}
	info, err := buildinfo.ReadFile(path)
	if err != nil {
		return Program{}, fmt.Errorf("%s is no program that Go has built: %w", path, err)
	}
	if info.Path != mainPackage {
		return Program{}, fmt.Errorf("%s is %s, and not pgrelocate", path, info.Path)
	}
	program := Program{path: path}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "GOOS":
			program.Platform.OS = setting.Value
		case "GOARCH":
			program.Platform.Architecture = setting.Value
		}
	}
	if program.Platform.OS != "linux" {
		return Program{}, fmt.Errorf("%s is for %s: containers run programs for linux", path, program.Platform)
	}
	return program, static(path)
}

// static fails where a program wants a dynamic linker.
func static(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("%s is no program for linux: %w", path, err)
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			return fmt.Errorf("%s is linked to libraries, which the image does not have: build it with CGO_ENABLED=0", path)
		}
	}
	return nil
}

// read returns the program's bytes.
func (p Program) read() ([]byte, error) {
	if p.path == "" {
		return nil, errors.New("no program")
	}
	return os.ReadFile(p.path)
}
