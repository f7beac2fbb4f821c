package remote

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// More tags than any repository has are an error, and no memory.
func TestTooManyTags(t *testing.T) {
	client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"tags":["v1"%s]}`, strings.Repeat(`,"v1"`, mostTags))
	}), Options{})
	if _, err := client.Tags(t.Context(), "a"); !errors.Is(err, jsonlimit.ErrLimit) {
		t.Errorf("Tags() = %v, want ErrLimit", err)
	}
}

// What answers 200 and no listing, an error of a proxy or nothing at all, has not said that there are no
// tags, and so no signatures.
func TestNoListingIsNotAnEmptyOne(t *testing.T) {
	for body, listing := range map[string]bool{
		`{"name":"a","tags":null}`: true, `{"name":"a"}`: true, `{"tags":[]}`: true,
		`{}`: false, `{"errors":[{"code":"UNKNOWN"}]}`: false, `{"status":"ok"}`: false,
	} {
		client := tokenClient(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }), Options{})
		if tags, err := client.Tags(t.Context(), "a"); (err == nil) != listing || len(tags) > 0 {
			t.Errorf("Tags() of %s = %q, %v, want an error: %t", body, tags, err, !listing)
		}
	}
}
