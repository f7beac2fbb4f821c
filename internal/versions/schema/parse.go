package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/internal/versions/document"
)

// Longest is how many bytes a file has at most: far more than a catalogue needs, and little enough
// to read whole when somebody names the wrong file.
const Longest = 1 << 20

// Parse reads exactly one document, strictly.
func Parse(data []byte) (Product, error) {
	var spec Product
	if len(data) > Longest {
		return spec, fmt.Errorf("it is larger than %d bytes", Longest)
	}
	root, err := document.Root(data)
	switch {
	case errors.Is(err, document.ErrSeveral):
		return spec, fmt.Errorf("%w; write one file for each product", err)
	case err != nil:
		return spec, err
	}
	if isLegacy(root) {
		return parseLegacy(root)
	}
	if err := checkKeys(root, reflect.TypeOf(spec), "the file"); err != nil {
		return spec, err
	}
	return spec, oneLine(root.Decode(&spec))
}

// oneLine puts what the parser says of several values into one line.
func oneLine(err error) error {
	var several *yaml.TypeError
	if errors.As(err, &several) {
		return errors.New(strings.Join(several.Errors, "; "))
	}
	return err
}
