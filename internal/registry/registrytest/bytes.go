package registrytest

import (
	"io"
	"strings"
)

// Bytes is a blob's content in memory, to be pushed.
type Bytes string

// From implements registry.Body.
func (b Bytes) From(offset int64) (io.Reader, error) {
	return strings.NewReader(string(b[offset:])), nil
}
