package repository

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// The errors of an index that is not as Helm writes it.
var (
	errNoEntries = errors.New("it has no entries")
	errLayout    = errors.New("its lines are not laid out as Helm lays them out")
)

// Of an index in another layout than Helm's mostUnusual bytes are read, and mostItem of one
// version's lines: as values in memory they may take some forty times as much.
const (
	mostUnusual = 1 << 20
	mostItem    = 1 << 20
)

// eachItem calls each with the lines of each version that an index has of a chart, which are a
// list of one element in YAML. It goes by how lines are indented: entries at the margin, below it
// the charts' names, below each its list. Anything else is errLayout.
func eachItem(text []byte, name string, each func(item []byte) error) error {
	b := block{name: name, names: -1, items: -1, each: each}
	for at := 0; at < len(text); {
		end := len(text)
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			end = at + n + 1
		}
		if err := b.line(text, at, end); err != nil {
			return err
		}
		at = end
	}
	if !b.seen {
		return errLayout
	}
	return b.end(text, len(text))
}

// block is where in an index the reading of one chart's lines stands.
type block struct {
	name string
	each func(item []byte) error

	seen, within bool // entries was there; and its end was not
	ours, had    bool // the lines are those of the chart; and there were some
	names, items int  // how far charts' names, and the list's elements, are indented; -1 is not known
	start        int  // of the element that is being read
	open         bool // there is one
}

func (b *block) line(text []byte, at, end int) error {
	line := strings.TrimRight(string(text[at:min(end, at+mostLine)]), " \r\n")
	bare := strings.TrimLeft(line, " ")
	indent := len(line) - len(bare)
	switch {
	case bare == "" || bare[0] == '#':
		return nil
	case bare[0] == '\t':
		return errLayout
	case indent == 0 && bare[0] != '-':
		return b.margin(text, bare, at)
	case !b.within:
		return nil
	case b.names < 0:
		b.names = indent
	}
	isItem := bare == "-" || strings.HasPrefix(bare, "- ")
	switch {
	case indent < b.names:
		return errLayout
	case indent == b.names && !isItem:
		return b.key(text, bare, at)
	case !b.ours:
		return nil
	case b.items < 0 && !isItem, b.items >= 0 && indent < b.items:
		return errLayout
	case b.items < 0:
		b.items = indent
	}
	if indent > b.items {
		return nil
	}
	if !isItem {
		return errLayout
	}
	if err := b.end(text, at); err != nil {
		return err
	}
	b.start, b.open = at, true
	return nil
}

// mostLine is as much of a line as is looked at: longer ones are texts of people.
const mostLine = 4 << 10

// margin takes a line that is not indented: a key of the index itself.
func (b *block) margin(text []byte, bare string, at int) error {
	if err := b.end(text, at); err != nil {
		return err
	}
	b.within, b.ours = false, false
	rest, isEntries := strings.CutPrefix(bare, "entries:")
	if !isEntries {
		return nil
	}
	if b.seen {
		return errors.New("it has entries twice")
	}
	rest = withoutComment(rest)
	b.seen, b.within = true, rest == ""
	if rest != "" && rest != "{}" {
		return errLayout
	}
	return nil
}

// key takes the line that names a chart.
func (b *block) key(text []byte, bare string, at int) error {
	if err := b.end(text, at); err != nil {
		return err
	}
	name, rest, isKey := strings.Cut(bare, ":")
	if !isKey {
		return errLayout
	}
	b.ours, b.items = strings.Trim(name, `"' `) == b.name, -1
	if !b.ours {
		return nil
	}
	if b.had {
		return fmt.Errorf("it has %s twice", b.name)
	}
	b.had = true
	if rest = withoutComment(rest); rest != "" && rest != "[]" && rest != "null" {
		return errLayout
	}
	return nil
}

// end hands on the element that ends at a place, if there is one.
func (b *block) end(text []byte, at int) error {
	if !b.open {
		return nil
	}
	b.open = false
	if at-b.start > mostItem {
		return fmt.Errorf("what it says of one version of %s is larger than %d KiB", b.name, mostItem>>10)
	}
	return b.each(text[b.start:at])
}

func withoutComment(rest string) string {
	if before, _, found := strings.Cut(rest, " #"); found {
		rest = before
	}
	return strings.TrimSpace(rest)
}
