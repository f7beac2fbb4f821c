package jsonlimit

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// ErrAmbiguous is what errors.Is finds where two programs may read a text differently: which of
// two equal keys counts, and whether a key counts that is written in another case, is left to
// each of them. What one of them checked would not be what the other uses.
var ErrAmbiguous = errors.New("programs differ in how they read it")

// checkNames refuses a text, which has to be JSON, whose objects have a key twice, or a key in
// another case than that of the field of t that Go's own reader would take it for.
func checkNames(data []byte, t reflect.Type) error {
	n := names{data: data, known: make(map[reflect.Type]map[string]reflect.Type)}
	return n.value(fieldsOf(t))
}

// names walks through a text and the type that it is read into, side by side.
type names struct {
	data []byte
	at   int
	// known are the fields of the structs that were met, by their names in JSON.
	known map[reflect.Type]map[string]reflect.Type
}

// value passes over a value that is read into a t; nil is a type that reads in its own way.
func (n *names) value(t reflect.Type) error {
	n.space()
	switch {
	case n.at == len(n.data):
		return nil
	case n.data[n.at] == '{':
		return n.object(t)
	case n.data[n.at] == '[':
		return n.array(t)
	case n.data[n.at] == '"':
		n.at = stringEnd(n.data, n.at+1)
	default:
		for n.at++; n.at < len(n.data) && !isSign(n.data[n.at]); n.at++ {
		}
	}
	return nil
}

func (n *names) array(t reflect.Type) error {
	if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
		t = fieldsOf(t.Elem())
	} else {
		t = nil
	}
	for n.at++; n.more(']'); {
		if err := n.value(t); err != nil {
			return err
		}
	}
	return nil
}

func (n *names) object(t reflect.Type) error {
	var seen keys
	for n.at++; n.more('}'); {
		key := n.key()
		if !seen.add(key) {
			return fmt.Errorf("%w: key %q is there twice", ErrAmbiguous, key)
		}
		of, err := n.field(t, key)
		if err != nil {
			return err
		}
		if err := n.value(of); err != nil {
			return err
		}
	}
	return nil
}

// more tells whether the object or array that ends with end goes on; at its end it is passed over.
func (n *names) more(end byte) bool {
	n.space()
	if n.at < len(n.data) && n.data[n.at] == end {
		n.at++
		return false
	}
	return n.at < len(n.data)
}

// space passes over what stands between values.
func (n *names) space() {
	for n.at < len(n.data) && strings.IndexByte(" \t\r\n,:", n.data[n.at]) >= 0 {
		n.at++
	}
}

// key passes over a key, and is what it says.
func (n *names) key() []byte {
	begin := n.at
	n.at = stringEnd(n.data, begin+1)
	raw := n.data[begin:n.at]
	for _, b := range raw {
		if b == '\\' || b >= 0x80 { // what is no UTF-8 is replaced in reading
			var text string
			if json.Unmarshal(raw, &text) == nil {
				return []byte(text)
			}
		}
	}
	return raw[1:max(1, len(raw)-1)]
}

// field is the type of what stands under a key of an object that is read into a t.
func (n *names) field(t reflect.Type, key []byte) (reflect.Type, error) {
	switch {
	case t == nil:
		return nil, nil
	case t.Kind() == reflect.Map:
		return fieldsOf(t.Elem()), nil
	case t.Kind() != reflect.Struct:
		return nil, nil
	}
	if n.known[t] == nil {
		n.known[t] = fields(t)
	}
	if of, ok := n.known[t][string(key)]; ok {
		return of, nil
	}
	for name := range n.known[t] {
		if strings.EqualFold(name, string(key)) {
			return nil, fmt.Errorf("%w: key %q is not %q", ErrAmbiguous, key, name)
		}
	}
	return nil, nil
}

// fields are those of a struct.
func fields(t reflect.Type) map[string]reflect.Type {
	all := make(map[string]reflect.Type)
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case !field.IsExported() || name == "-" || name == "" && field.Anonymous:
			continue
		case name == "":
			name = field.Name
		}
		all[name] = fieldsOf(field.Type)
	}
	return all
}

// fieldsOf is the type whose fields count where JSON is read into a t; nil where a method reads it.
func fieldsOf(t reflect.Type) reflect.Type {
	reads := reflect.TypeFor[json.Unmarshaler]()
	for t.Kind() == reflect.Pointer {
		if t.Implements(reads) {
			return nil
		}
		t = t.Elem()
	}
	if reflect.PointerTo(t).Implements(reads) {
		return nil
	}
	return t
}

// keys are those of one object: a few in a list, many in a map.
type keys struct {
	few  [mostKeys][]byte
	n    int
	many map[string]bool
}

// add tells whether the key is new.
func (k *keys) add(key []byte) bool {
	for i := range min(k.n, mostKeys) {
		if string(k.few[i]) == string(key) {
			return false
		}
	}
	if k.n < mostKeys {
		k.few[k.n] = key
		k.n++
		return true
	}
	if k.many[string(key)] {
		return false
	}
	if k.many == nil {
		k.many = make(map[string]bool)
	}
	k.many[string(key)] = true
	return true
}
