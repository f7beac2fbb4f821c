package advice

import (
	"errors"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// incomplete is for images that arrived without all that is attached to them.
func incomplete(err error) string {
	var lacking *registry.IncompleteError
	if !errors.As(err, &lacking) {
		return ""
	}
	return "run the same command again to try once more; --signatures=false copies images without what is attached to them"
}
