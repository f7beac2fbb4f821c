// Package yamllimit tells YAML that nobody has written for what it says from what people and programs write. Three
// bytes, `{},`, take some ninety once they are read, and more while they are: a file of a few megabytes asks for
// gigabytes. Here values are counted in the bytes, before anything is built of them.
//
//	if err := yamllimit.Check(text); err != nil {
package yamllimit

import (
	"errors"
	"fmt"
)

// Most is how many values a text may have at most, by the signs that stand before or behind one: a file of two
// megabytes with a key and a value in each line has fewer.
const Most = 400_000

// ErrLimit is what errors.Is finds where a text has more.
var ErrLimit = errors.New("it has more values than any file that is written for what it says")

// perValue is how many bytes a sign stands for at least in files that may be longer than any settings: manifests
// have twelve and more.
const perValue = 8

// CheckLong is Check for a text that may be long, and have more values then: manifests of many objects.
func CheckLong(text []byte) error { return check(text, max(Most, len(text)/perValue)) }

// Check refuses a text with too many values. Whether it is YAML is for who reads it to find out.
func Check(text []byte) error { return check(text, Most) }

func check(text []byte, most int) error {
	signs := 0
	for _, c := range text {
		switch c {
		case '\n', ',', '[', '{', '-', ':', '?':
			signs++
		}
	}
	if signs > most {
		return fmt.Errorf("%w: up to %d, in %d bytes", ErrLimit, signs, len(text))
	}
	return nil
}
