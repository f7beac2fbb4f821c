package flagset

import (
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/chart/naming"
)

// AcceptFlag reads --accept, once for each place. It is a pflag.Value.
type AcceptFlag []naming.Accept

// Set adds a place.
func (f *AcceptFlag) Set(s string) error {
	accept, err := naming.ParseAccept(s)
	if err == nil {
		*f = append(*f, accept)
	}
	return err
}

// Type is what the help calls it.
func (f *AcceptFlag) Type() string { return "place" }

// String lists the places.
func (f *AcceptFlag) String() string {
	words := make([]string, len(*f))
	for i, accept := range *f {
		words[i] = accept.String()
	}
	return strings.Join(words, " ")
}
