package lock

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"io"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Marshal is the lock as it stands in a file: the same lock gives the same bytes. What people
// review has a line for each fact, in an order that a change elsewhere does not disturb; blobs,
// which nobody reads one by one, have a line each.
func (l *Lock) Marshal() []byte {
	var b bytes.Buffer
	_ = l.write(&b) // a buffer takes everything
	return b.Bytes()
}

// Write writes what Marshal returns, piece by piece: a lock of thousands of artifacts is megabytes. Of one
// that could not be read it fails with a *RoomError.
func (l *Lock) Write(to io.Writer) error {
	if err := l.checkRoom(); err != nil {
		return err
	}
	return l.write(&bounded{to: to})
}

func (l *Lock) write(to io.Writer) error {
	l.sort()
	w := writer{bufio.NewWriter(to)}
	w.put("{\n \"schema\": ", encoded(l.Schema, ""))
	if l.Planned {
		w.put(",\n \"planned\": true")
	}
	if l.Selection != nil {
		w.put(",\n \"selection\": ", encoded(l.Selection, " "))
	}
	list(w, "artifacts", l.Artifacts, "  ")
	if len(l.Attachments) > 0 {
		list(w, "attachments", l.Attachments, "  ")
	}
	list(w, "blobs", l.Blobs, "")
	w.put("\n}\n")
	return w.to.Flush()
}

// writer keeps the first error for Flush.
type writer struct{ to *bufio.Writer }

func (w writer) put(text string, then ...[]byte) {
	_, _ = w.to.WriteString(text)
	for _, piece := range then {
		_, _ = w.to.Write(piece)
	}
}

// list writes a field that is a list: with an indent each field of an element has a line, and
// without one each element.
func list[T any](w writer, name string, all []T, indent string) {
	w.put(",\n \"" + name + "\": [")
	for i, element := range all {
		if i > 0 {
			w.put(",")
		}
		if indent != "" {
			w.put("\n  ", encoded(element, indent))
		} else {
			w.put("\n  ", plain(element))
		}
	}
	if len(all) > 0 {
		w.put("\n ")
	}
	w.put("]")
}

func encoded(v any, indent string) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, plain(v), indent, " "); err != nil {
		panic(err) // what has just been encoded
	}
	return b.Bytes()
}

func plain(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings and numbers only: there is nothing in a lock that cannot be encoded
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

func (l *Lock) sort() {
	slices.SortFunc(l.Artifacts, func(a, b Artifact) int {
		return strings.Compare(a.Target.String()+a.Source.String(), b.Target.String()+b.Source.String())
	})
	slices.SortFunc(l.Attachments, func(a, b Attachment) int {
		return strings.Compare(a.Target.String()+a.Source.String(), b.Target.String()+b.Source.String())
	})
	slices.SortFunc(l.Blobs, func(a, b Blob) int { return compareDigests(a.Digest, b.Digest) })
	for _, b := range l.Blobs {
		slices.Sort(b.Repositories)
	}
	for _, a := range l.Artifacts {
		slices.SortFunc(a.Attachments, compareDigests)
		slices.SortFunc(a.Left, compareDigests)
	}
	if l.Artifacts == nil {
		l.Artifacts = []Artifact{}
	}
	if l.Blobs == nil {
		l.Blobs = []Blob{}
	}
}

func compareDigests(a, b v1.Hash) int {
	return cmp.Or(strings.Compare(a.Algorithm, b.Algorithm), strings.Compare(a.Hex, b.Hex))
}
