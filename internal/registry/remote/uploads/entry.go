package uploads

import (
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// entry is what an upload's file says.
type entry struct {
	Registry   string `json:"registry"`
	Repository string `json:"repository"`
	Digest     string `json:"digest"`
	Address    string `json:"address"`
}

// read takes the address over from the upload's file, where that is about this very upload.
func (c *Claim) read() {
	data, err := readSmall(c.name + entrySuffix)
	if err != nil {
		return
	}
	var said entry
	if json.Unmarshal(data, &said) != nil {
		return
	}
	want := c.entry
	want.Address = said.Address
	if said == want && want.good(said.Address) {
		c.entry = said
	}
}

// readSmall reads a regular file that is as small as an entry has to be.
func readSmall(name string) ([]byte, error) {
	info, err := os.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > mostEntry {
		return nil, errors.New("not an entry")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostEntry))
}

// write puts the entry in its file's place.
func (e entry) write(name string) error {
	data, err := json.Marshal(e)
	if err != nil {
		return err
	}
	temp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+"-*"+tempSuffix) // its mode is 0600
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), name+entrySuffix)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return nil
}

// addressOf is what may be kept of a location: an address at this very registry.
func (e entry) addressOf(location *url.URL) (string, bool) {
	if location == nil || !strings.EqualFold(location.Host, e.Registry) || location.User != nil {
		return "", false
	}
	address := location.RequestURI()
	return address, e.good(address)
}

// good tells whether an address is one of an upload in this repository. A journal that somebody
// has tampered with must not make us send what we send to anything else there.
func (e entry) good(address string) bool {
	parsed, err := url.ParseRequestURI(address)
	if err != nil || len(address) > mostAddress || parsed.Host != "" || path.Clean(parsed.Path) != strings.TrimSuffix(parsed.Path, "/") {
		return false
	}
	// Most say "uploads", one says "upload".
	return strings.HasPrefix(parsed.Path, "/v2/"+e.Repository+"/blobs/upload")
}
