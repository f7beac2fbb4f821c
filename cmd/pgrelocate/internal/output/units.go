package output

import (
	"time"

	"github.com/dustin/go-humanize"
)

// Bytes is a number of bytes for people, in powers of 1024: "1.5 GiB".
func Bytes(n int64) string {
	if n < 0 {
		n = 0
	}
	return humanize.IBytes(uint64(n))
}

// Duration is a length of time for people: "40ms", "9.1s", "12s", "3m5s".
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d < 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	default:
		return d.Round(time.Second).String()
	}
}

// Count is a number with the noun that fits: "1 artifact", "23 artifacts".
func Count(n int, singular string) string {
	if n == 1 {
		return "1 " + singular
	}
	return humanize.Comma(int64(n)) + " " + singular + "s"
}

// Are is "is" after one of something, and "are" after any other number.
func Are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
