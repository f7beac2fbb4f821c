package admission

import (
	"fmt"
	"strings"
	"time"

	"github.com/pgrelocate/pgrelocate/internal/registry"
)

// UnsignedError says that nobody who is trusted has signed an artifact. It unwraps to
// registry.ErrRefused.
type UnsignedError struct {
	// Found is how many signatures there are, whoever made them.
	Found int
	// More says that there are more than anybody looks at.
	More bool
	// Reasons are why those that were looked at will not do, each once and not all of many.
	Reasons []string
}

// Error says whether there is no signature, or none that will do.
func (e *UnsignedError) Error() string {
	if e.Found == 0 {
		return "there is no signature of it"
	}
	text := "the signature of it will not do"
	if e.Found > 1 {
		text = fmt.Sprintf("none of the %d signatures of it will do", e.Found)
	}
	if e.More {
		text = fmt.Sprintf("none of the first %d signatures of it will do, and no more are looked at", e.Found)
	}
	return text + ": " + strings.Join(e.Reasons, "; ")
}

// Unwrap returns registry.ErrRefused.
func (e *UnsignedError) Unwrap() error { return registry.ErrRefused }

// AgeError says that an artifact is not old enough, or does not say how old it is. It unwraps to
// registry.ErrRefused.
type AgeError struct {
	// Created is when it was made by its vendor's word; zero where that says nothing credible.
	Created time.Time
	// Age and Least are how old it is and has to be.
	Age, Least time.Duration
	// Said is a time that nobody believes, as it stands there; it may be empty.
	Said string
}

// Error says which.
func (e *AgeError) Error() string {
	switch {
	case e.Created.IsZero() && e.Said != "":
		return fmt.Sprintf("how old it is cannot be told: it says that it was made at %s, which nobody has to believe", e.Said)
	case e.Created.IsZero():
		return "how old it is cannot be told: it says nothing of when it was made"
	case e.Age < 0:
		return fmt.Sprintf("it says that it was made at %s, which is yet to come", e.Created.Format(time.RFC3339))
	}
	return fmt.Sprintf("it is %s old by its vendor's word (%s), and has to be %s", round(e.Age), e.Created.Format(time.RFC3339), round(e.Least))
}

// Unwrap returns registry.ErrRefused.
func (e *AgeError) Unwrap() error { return registry.ErrRefused }

// round is a time in the words of flags, without what nobody reads: 47h12m, 3h, 20s.
func round(d time.Duration) string {
	if d >= time.Minute {
		d = d.Truncate(time.Minute)
		return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "h0m") + hours(d)
	}
	return d.Truncate(time.Second).String()
}

// hours puts back the unit that round takes from whole hours.
func hours(d time.Duration) string {
	if d%time.Hour == 0 {
		return "h"
	}
	return ""
}
