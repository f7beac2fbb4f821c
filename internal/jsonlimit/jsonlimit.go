// Package jsonlimit reads JSON that somebody else wrote. Three bytes, `{},`, become two
// hundred once they are a value in memory, so that a file of a few megabytes can ask for
// gigabytes. Here what reading would cost is worked out from the bytes before anything is
// built of them, and what costs too much, or is nested too deep, is refused. So is what says
// one thing to one program and another to the next.
//
//	err := jsonlimit.Unmarshal(body, &manifest)
package jsonlimit

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// MaxDepth is how many objects and arrays may lie within one another.
const MaxDepth = 64

// What the values of a text cost at most once they are in memory, in bytes: an object becomes
// a struct of this program, or a map if it has more keys than those have fields. The content
// of strings is counted by the text itself.
const (
	costObject = 200
	costArray  = 32
	costScalar = 32
	costKey    = 16
	costEntry  = 160 // of a key behind the first mostKeys
	mostKeys   = 16
)

// A text may cost allowance bytes, and factor more for each of its own: more than any document
// comes to that registries, docker or this program write.
const (
	allowance = 1 << 20
	factor    = 3.5
)

// ErrLimit is what errors.Is finds where a text is well-formed, perhaps, and asks for too much.
var ErrLimit = errors.New("more than any honest document has")

// Unmarshal is json.Unmarshal for a text that somebody else wrote: what it builds is a few
// times the text's size at most. Where the text is, above all, one list of many elements,
// Object and List take less. errors.Is tells ErrLimit, and ErrAmbiguous.
func Unmarshal(data []byte, v any) error {
	if err := Lenient(data, v); err != nil {
		return err
	}
	return checkNames(data, reflect.TypeOf(v))
}

// Lenient is Unmarshal for a text that is only shown to people, or that all who use it read with
// Go's own reader: what is ambiguous is taken as that takes it.
func Lenient(data []byte, v any) error {
	if err := Check(data); err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

// Check refuses a text that asks for too much. It takes no memory, and leaves it to who reads
// the text to find out whether it is JSON.
func Check(data []byte) error {
	c := checker{budget: allowance + int64(factor*float64(len(data)))}
	for i := 0; i < len(data); {
		next, err := c.token(data, i)
		if err != nil {
			return err
		}
		if c.budget < 0 {
			return fmt.Errorf("%w: too many small values for %d bytes", ErrLimit, len(data))
		}
		i = next
	}
	return nil
}

// checker adds up what a text costs.
type checker struct {
	budget int64
	depth  int
	// keys are how many the objects have, in one another, that are not at their end.
	keys [MaxDepth + 1]int
}

// token takes what begins at i into account, and tells where it ends.
func (c *checker) token(data []byte, i int) (next int, err error) {
	switch data[i] {
	case '{':
		c.budget -= costObject
		return i + 1, c.begin()
	case '[':
		c.budget -= costArray
		return i + 1, c.begin()
	case '}', ']':
		c.depth = max(0, c.depth-1)
		return i + 1, nil
	case ',', ':', ' ', '\t', '\r', '\n':
		return i + 1, nil
	case '"':
		next = stringEnd(data, i+1)
		if isKey(data, next) {
			c.key()
			return next, nil
		}
	default: // a number or a word
		for next = i + 1; next < len(data) && !isSign(data[next]); {
			next++
		}
	}
	c.budget -= costScalar
	return next, nil
}

func (c *checker) begin() error {
	if c.depth++; c.depth > MaxDepth {
		return fmt.Errorf("%w: more than %d objects and arrays within one another", ErrLimit, MaxDepth)
	}
	c.keys[c.depth] = 0
	return nil
}

func (c *checker) key() {
	if c.keys[c.depth]++; c.keys[c.depth] > mostKeys {
		c.budget -= costEntry
	} else {
		c.budget -= costKey
	}
}

// stringEnd is behind the quotation mark that ends the string which begins at i.
func stringEnd(data []byte, i int) int {
	for ; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// isKey tells whether a colon follows at i.
func isKey(data []byte, i int) bool {
	for ; i < len(data); i++ {
		switch data[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return data[i] == ':'
		}
	}
	return false
}

func isSign(c byte) bool {
	switch c {
	case '{', '}', '[', ']', ',', ':', '"', ' ', '\t', '\r', '\n':
		return true
	}
	return false
}
