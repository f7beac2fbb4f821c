package oci

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pgrelocate/pgrelocate/internal/jsonlimit"
)

// TestManifestsThatProgramsReadDifferently: what is copied for such a manifest need not be what is
// pulled by it, nor what was signed.
func TestManifestsThatProgramsReadDifferently(t *testing.T) {
	a, b := "sha256:"+strings.Repeat("a", 64), "sha256:"+strings.Repeat("b", 64)
	layer := `{"digest":"` + a + `","size":1}`
	good := `{"schemaVersion":2,"config":` + layer + `,"layers":[` + layer + `],"annotations":{"a":""}}`
	tests := map[string]string{ // what becomes of a text in good
		`"layers"`:           `"layers":[],"layers"`,
		`"annotations"`:      `"Layers":[],"annotations"`,
		`,"size":1}]`:        `,"size":1,"digest":"` + b + `"}]`,
		`"size":1}],`:        `"size":1,"Digest":"` + b + `"}],`,
		`"size":1},"layers"`: `"Size":1},"layers"`,
		`{"a":""}`:           `{"a":"","a":"b"}`,
	}
	parse := func(body string) error {
		manifest, err := New(types.OCIManifestSchema1, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		_, err = Parse(manifest)
		return err
	}
	if err := parse(good); err != nil {
		t.Fatal(err)
	}
	for before, after := range tests {
		body := strings.Replace(good, before, after, 1)
		if err := parse(body); !errors.Is(err, jsonlimit.ErrAmbiguous) {
			t.Errorf("Parse(%s) = %v, want %v", body, err, jsonlimit.ErrAmbiguous)
		}
	}
}
