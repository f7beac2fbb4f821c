package credentials

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/docker/cli/cli/config/configfile"
)

// file is docker's config file, to be changed. It saves only the logins and leaves every
// other key as it is: docker's own ConfigFile would drop the keys that it does not know.
type file struct {
	*configfile.ConfigFile
	raw map[string]json.RawMessage
}

// open reads docker's config file for a change. A file that cannot be understood is an
// error, for saving would lose what is in it.
func open() (*file, error) {
	name, err := DockerFile()
	if err != nil {
		return nil, err
	}
	config, data, err := readText(name)
	if err != nil {
		return nil, err
	}
	f := &file{ConfigFile: config, raw: map[string]json.RawMessage{}}
	if len(bytes.TrimSpace(data)) == 0 {
		return f, nil
	}
	if err := json.Unmarshal(data, &f.raw); err != nil {
		return nil, fmt.Errorf("reading credentials from %s: %w", name, err)
	}
	return f, nil
}

// Save writes the file as a whole or not at all, readable for its owner only.
func (f *file) Save() error {
	logins, err := f.logins()
	if err != nil {
		return err
	}
	for key, value := range logins {
		f.raw[key] = value
	}
	data, err := json.MarshalIndent(f.raw, "", "\t")
	if err != nil {
		return err
	}
	return replace(f.Filename, append(data, '\n'))
}

// logins are the keys that docker's own code would write and that a login changes.
func (f *file) logins() (map[string]json.RawMessage, error) {
	var text bytes.Buffer
	if err := f.SaveToWriter(&text); err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(text.Bytes(), &all); err != nil {
		return nil, err
	}
	kept := map[string]json.RawMessage{}
	for _, key := range []string{"auths", "credsStore"} {
		if value, ok := all[key]; ok {
			kept[key] = value
		}
	}
	return kept, nil
}

// replace puts data in a file's place, through a neighbour, so that a crash leaves the
// old file or the new one. A link keeps pointing to the file that it points to.
func replace(name string, data []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, filepath.Base(name)+".*") // its mode is 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}
