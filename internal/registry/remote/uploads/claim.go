package uploads

import (
	"errors"
	"net/url"
	"os"

	"github.com/pgrelocate/pgrelocate/internal/files"
)

// Claim is an upload that this process alone goes on with. It is for one goroutine; nil is the
// claim of who keeps no journal.
type Claim struct {
	name  string // of its files, without what they end in
	entry entry
	lock  *os.File
}

// mostTries is how often a lock may be gone when it is taken: whoever had it removes it.
const mostTries = 100

// errTaken says that others are at an upload all the time, or that its lock cannot be told from another file.
var errTaken = errors.New("the upload is not to be had")

// take locks the upload, and fails at once where another has it, or where a link stands in the lock's place.
func (c *Claim) take() error {
	for range mostTries {
		f, err := os.OpenFile(c.name+lockSuffix, os.O_CREATE|os.O_RDWR|files.NoFollow, 0o600)
		if err != nil {
			return err
		}
		if err := files.Lock(f); err != nil {
			return errors.Join(err, f.Close())
		}
		if isAt(f, c.name+lockSuffix) {
			c.lock = f
			return nil
		}
		_ = f.Close() // who had it has removed it meanwhile
	}
	return errTaken
}

// isAt tells whether an open file still has its name.
func isAt(f *os.File, name string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(name)
	return err == nil && os.SameFile(open, named)
}

// Address is where an upload goes on at the registry: a path, which begins with /v2/, and a
// query. It is empty where nothing is known of one.
func (c *Claim) Address() string {
	if c == nil {
		return ""
	}
	return c.entry.Address
}

// Note remembers that the upload goes on at location from now on. A location that must not be
// kept, see the package, makes it forget. The error says why a file cannot be written.
func (c *Claim) Note(location *url.URL) error {
	if c == nil {
		return nil
	}
	address, ok := c.entry.addressOf(location)
	if !ok {
		c.Forget()
		return nil
	}
	if address == c.entry.Address {
		return nil
	}
	next := c.entry
	next.Address = address
	if err := next.write(c.name); err != nil {
		c.Forget() // what the file says is no longer so
		return err
	}
	c.entry = next
	return nil
}

// Forget says that there is nothing to go on with.
func (c *Claim) Forget() {
	if c == nil {
		return
	}
	c.entry.Address = ""
	_ = os.Remove(c.name + entrySuffix)
}

// Release lets others have the upload. Nothing else is called afterwards.
func (c *Claim) Release() {
	if c == nil || c.lock == nil {
		return
	}
	if c.entry.Address == "" {
		_ = os.Remove(c.name + lockSuffix)
	}
	_ = c.lock.Close()
	c.lock = nil
}
