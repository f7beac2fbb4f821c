// Package document reads YAML files of which all keys are known beforehand: a key that is
// mistyped is found, with its line, where it would otherwise change nothing and say nothing.
// Root parses a file, Check holds its keys against a Shape.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"go.yaml.in/yaml/v3"
)

// Errors of Root that callers tell apart with errors.Is.
var (
	// ErrEmpty: there is no document, or nothing but comments in it.
	ErrEmpty = errors.New("it is empty")
	// ErrSeveral: there is a second document, which nobody would read.
	ErrSeveral = errors.New("it holds more than one document")
)

// KindError says that a document is something else than keys with values.
type KindError struct {
	// Line is where it begins, counted from 1.
	Line int
}

// Error says so.
func (e *KindError) Error() string { return "it is no mapping of keys to values" }

// Root is the mapping of the one document in data. What is no YAML is refused in the words of
// the parser.
func Root(data []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, ErrEmpty
	} else if err != nil {
		return nil, err
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, ErrSeveral
	}
	root := document.Content[0]
	switch {
	case root.Tag == "!!null":
		return nil, ErrEmpty
	case root.Kind != yaml.MappingNode:
		return nil, &KindError{Line: root.Line}
	}
	return root, nil
}

// WrongKindError is a list where a text should be, or the like.
type WrongKindError struct {
	// Line is where it begins, counted from 1.
	Line int
	// Where are the keys that lead to it; those of a list lead to its elements too.
	Where string
	// Want is what it should be, Is what it is.
	Want, Is Kind
}

// Error is `line 7: cluster.requires: write a list, and not a text`.
func (e *WrongKindError) Error() string {
	return fmt.Sprintf("line %d: %s: write %s, and not %s", e.Line, e.Where, e.Want, e.Is)
}

// UnknownKeyError is a key that its mapping cannot have.
type UnknownKeyError struct {
	// Line is where the key stands, counted from 1.
	Line int
	// Key is as it is written; empty where it is no word.
	Key string
	// Where is the mapping: the keys that lead to it, "releases.v4.3.1"; empty for the root.
	Where string
	// Known are the keys that it can have, sorted.
	Known []string
}

// Error is `line 3: unknown key "regstry"`.
func (e *UnknownKeyError) Error() string {
	return fmt.Sprintf("line %d: unknown key %q", e.Line, e.Key)
}
