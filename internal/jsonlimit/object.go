package jsonlimit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
)

// Fields are what is read of an object, by the names of its fields.
type Fields map[string]Field

// Field reads the value of one field, which is the decoder's next.
type Field func(d *Decoder) error

// Decoder reads the values of a text one after the other.
type Decoder struct {
	*json.Decoder
	data  []byte
	names names
}

// Decode reads the next value into what v points to. errors.Is tells ErrAmbiguous.
func (d *Decoder) Decode(v any) error {
	begin := d.InputOffset()
	if err := d.Decoder.Decode(v); err != nil {
		return err
	}
	d.names.data, d.names.at = d.data[begin:d.InputOffset()], 0
	return d.names.value(fieldsOf(reflect.TypeOf(v)))
}

// ahead is how many elements the array has whose first is the decoder's next.
func (d *Decoder) ahead() int {
	data := d.data[d.InputOffset():]
	depth, commas := 0, 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i+1) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return commas + 1
			}
		case ',':
			if depth == 0 {
				commas++
			}
		}
	}
	return 0 // it has no end, as who reads it will see
}

// Value reads a field into what v points to.
func Value(v any) Field {
	return func(d *Decoder) error { return d.Decode(v) }
}

// List reads a field that is an array of most elements at most, an element at a time, and
// appends to what list points to. It ends with the first element that check refuses, so that a
// list of nothings is not built; check may change the element. null is an empty list.
func List[T any](list *[]T, most int, check func(*T) error) Field {
	return func(d *Decoder) error {
		begins, err := d.Token()
		if err != nil || begins == nil {
			return err
		}
		if begins != json.Delim('[') {
			return fmt.Errorf("%v where a list should be", begins)
		}
		if d.More() {
			n := d.ahead()
			if n > most {
				return fmt.Errorf("%w: a list of %d, and %d are the most", ErrLimit, n, most)
			}
			*list = slices.Grow(*list, n) // a list that grows is there twice
		}
		for d.More() {
			var element T
			if err := d.Decode(&element); err != nil {
				return err
			}
			if err := check(&element); err != nil {
				return err
			}
			*list = append(*list, element)
		}
		_, err = d.Token()
		return err
	}
}

// Object reads the object that is all of data, field by field, and passes over what it does not
// know. A field that is there twice, or in another case than the known one, is refused, for
// programs differ in which they believe. errors.Is tells ErrLimit, and ErrAmbiguous.
func Object(data []byte, fields Fields) error {
	return read(data, fields, false)
}

// ExactObject is Object for a text whose fields, and theirs, are all known; others are refused.
func ExactObject(data []byte, fields Fields) error {
	return read(data, fields, true)
}

// nothing is a value that is passed over.
type nothing struct{}

// UnmarshalJSON keeps nothing.
func (*nothing) UnmarshalJSON([]byte) error { return nil }

func read(data []byte, fields Fields, exact bool) error {
	if err := Check(data); err != nil {
		return err
	}
	d := &Decoder{json.NewDecoder(bytes.NewReader(data)), data, names{known: make(map[reflect.Type]map[string]reflect.Type)}}
	if exact {
		d.DisallowUnknownFields()
	}
	begins, err := d.Token()
	if err != nil {
		return err
	}
	if begins != json.Delim('{') {
		return fmt.Errorf("%v where an object should be", begins)
	}
	if err := fields.all(d, exact); err != nil {
		return err
	}
	if _, err := d.Token(); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows it")
	}
	return nil
}

// all reads fields up to the object's end.
func (f Fields) all(d *Decoder, exact bool) error {
	seen := make(map[string]bool)
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else for a name
		read, known := f[name]
		switch {
		case known && seen[name]:
			return fmt.Errorf("%w: field %q is there twice", ErrAmbiguous, name)
		case known:
			seen[name] = true
		case f.resembles(name):
			return fmt.Errorf("%w: unknown field %q", ErrAmbiguous, name)
		case exact:
			return fmt.Errorf("unknown field %q", name)
		default:
			read = Value(new(nothing))
		}
		if err := read(d); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// resembles tells whether a name is that of a field in another case.
func (f Fields) resembles(name string) bool {
	for known := range f {
		if strings.EqualFold(known, name) {
			return true
		}
	}
	return false
}
