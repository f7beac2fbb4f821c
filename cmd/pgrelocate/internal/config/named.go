package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/pgrelocate/pgrelocate/internal/versions/ref"
)

// axes are words by the axis that they are on: os=trixie,bookworm,flavour=all. A word without an
// axis is on that of the word before.
type axes struct{ target *map[string][]string }

func (a *axes) Set(s string) error {
	axis := ""
	for item := range strings.SplitSeq(s, ",") {
		name, word, named := strings.Cut(strings.TrimSpace(item), "=")
		if named {
			axis = strings.TrimSpace(name)
		} else {
			word = name
		}
		word = strings.TrimSpace(word)
		if axis == "" || word == "" {
			return errors.New("must be AXIS=WORD, such as os=trixie")
		}
		if *a.target == nil {
			*a.target = map[string][]string{}
		}
		(*a.target)[axis] = append((*a.target)[axis], word)
	}
	return nil
}

func (a *axes) String() string {
	var words []string
	for _, axis := range slices.Sorted(maps.Keys(*a.target)) {
		words = append(words, axis+"="+strings.Join((*a.target)[axis], ","))
	}
	return strings.Join(words, ",")
}
func (a *axes) Type() string { return "axes" }

// source is HOST[/PATH] for the product's registry, or NAME=HOST[/PATH] for one of several.
type source Source

func (s *source) Set(text string) error {
	if text == "" { // none, against a file that names some
		*s = source{}
		return nil
	}
	for item := range strings.SplitSeq(text, ",") {
		name, place, named := strings.Cut(strings.TrimSpace(item), "=")
		if !named {
			place = name
		}
		folder, err := ref.ParseFolder(place)
		switch {
		case err != nil:
			return err
		case !named:
			s.Folder = folder
		case name == "":
			return fmt.Errorf("%s names no registry of the product", ref.Quote(item))
		default:
			if s.Named == nil {
				s.Named = map[string]ref.Folder{}
			}
			s.Named[name] = folder
		}
	}
	return nil
}

func (s *source) String() string {
	var words []string
	if !s.IsZero() {
		words = append(words, s.Folder.String())
	}
	for _, name := range slices.Sorted(maps.Keys(s.Named)) {
		words = append(words, name+"="+s.Named[name].String())
	}
	return strings.Join(words, ",")
}
func (s *source) Type() string { return "registry" }

// prerequisites is true, false, or NAME=RELEASE,…, which is true.
type prerequisites Prerequisites

func (p *prerequisites) Set(text string) error {
	if wanted, err := strconv.ParseBool(text); err == nil {
		*p = prerequisites{Wanted: wanted}
		return nil
	}
	for item := range strings.SplitSeq(text, ",") {
		name, release, named := strings.Cut(strings.TrimSpace(item), "=")
		if !named || name == "" || release == "" {
			return errors.New("must be true, false, or NAME=RELEASE")
		}
		if p.Releases == nil {
			p.Releases = map[string]string{}
		}
		p.Wanted, p.Releases[name] = true, release
	}
	return nil
}

func (p *prerequisites) String() string {
	if len(p.Releases) == 0 {
		return strconv.FormatBool(p.Wanted)
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(p.Releases)) {
		words = append(words, name+"="+p.Releases[name])
	}
	return strings.Join(words, ",")
}
func (p *prerequisites) Type() string { return "prerequisites" }
