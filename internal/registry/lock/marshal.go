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
	b := bufio.NewWriter(to) // which keeps the first error for Flush
	b.WriteString("{\n \"schema\": ")
	b.Write(encoded(l.Schema, ""))
	if l.Planned {
		b.WriteString(",\n \"planned\": true")
	}
	if l.Selection != nil {
		b.WriteString(",\n \"selection\": ")
		b.Write(encoded(l.Selection, " "))
	}
	list(b, "artifacts", l.Artifacts, "  ")
	if len(l.Attachments) > 0 {
		list(b, "attachments", l.Attachments, "  ")
	}
	list(b, "blobs", l.Blobs, "")
	b.WriteString("\n}\n")
	return b.Flush()
}

// list writes a field that is a list: with an indent each field of an element has a line, and
// without one each element.
func list[T any](b *bufio.Writer, name string, all []T, indent string) {
	b.WriteString(",\n \"" + name + "\": [")
	for i, element := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString("\n  ")
		if indent != "" {
			b.Write(encoded(element, indent))
		} else {
			b.Write(plain(element))
		}
	}
	if len(all) > 0 {
		b.WriteString("\n ")
	}
	b.WriteByte(']')
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
