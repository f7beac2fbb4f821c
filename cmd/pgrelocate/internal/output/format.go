// Package output writes the results of commands: as a table for people, as JSON or YAML
// for programs. Commands hand Write a view, a struct made for that purpose whose JSON
// tags are part of the program's interface (docs/json.md), never a struct of a library.
package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/pgrelocate/pgrelocate/cmd/pgrelocate/internal/terminal"
)

// Format is how a result is written.
type Format string

// The formats of results.
const (
	Table Format = "table"
	JSON  Format = "json"
	YAML  Format = "yaml"
)

// Formats lists them, the default first.
func Formats() []Format { return []Format{Table, JSON, YAML} }

// SchemaVersion is the version of every JSON and YAML result. It grows when a field
// changes its meaning or goes away; new fields do not change it.
const SchemaVersion = 1

// Header opens every view, embedded as its first field.
type Header struct {
	SchemaVersion int `json:"schemaVersion"`
	// Kind names the view: "Plan", "CopyReport".
	Kind string `json:"kind"`
}

// NewHeader returns the header of a view of that kind.
func NewHeader(kind string) Header { return Header{SchemaVersion: SchemaVersion, Kind: kind} }

// View is a result that can be shown. Its exported fields are its JSON.
type View interface {
	// WriteTable writes the result for people; see NewGrid.
	WriteTable(w io.Writer) error
}

// Document is a View whose table may be a text for other programs, which stays as it is.
type Document interface {
	IsDocument() bool
}

// Write writes a view to w in a format; the empty Format is Table. What is written goes through
// hide first, which takes out what nobody may see.
func Write(w io.Writer, format Format, view View, hide func(string) string) error {
	var text bytes.Buffer
	if err := write(&text, format, view); err != nil {
		return err
	}
	hidden := hide(text.String())
	switch format {
	case JSON, YAML:
		hidden = terminal.Escaped(hidden)
	default:
		if d, ok := view.(Document); !ok || !d.IsDocument() {
			hidden = terminal.Plain(hidden) // what stands beside the cells of a grid, above all
		}
	}
	if format == YAML { // which may break a text into lines
		made, err := inOrder(hidden)
		if err != nil {
			return err
		}
		hidden = terminal.Escaped(made) // what is left of it is in quotation marks
	}
	_, err := io.WriteString(w, hidden)
	return err
}

func write(w io.Writer, format Format, view View) error {
	switch format {
	case Table, "":
		return view.WriteTable(w)
	case JSON, YAML:
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(view)
	default:
		return fmt.Errorf("no output format %q", format)
	}
}

// inOrder writes JSON as YAML, with the keys in the same order.
func inOrder(text string) (string, error) {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return "", err
	}
	inBlocks(&document)
	var made bytes.Buffer
	enc := yaml.NewEncoder(&made)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(&document); err != nil {
		return "", err
	}
	return made.String(), enc.Close()
}

// inBlocks leaves it to the encoder how values are written: as lines, quoted only where they would
// else be something other than text. Where something has to be escaped, they are quoted so that it can be.
func inBlocks(node *yaml.Node) {
	if len(node.Content) > 0 || node.Kind == yaml.ScalarNode {
		node.Style = 0
	}
	if node.Kind == yaml.ScalarNode && terminal.IsDangerous(node.Value) {
		node.Style = yaml.DoubleQuotedStyle
	}
	for _, child := range node.Content {
		inBlocks(child)
	}
}
