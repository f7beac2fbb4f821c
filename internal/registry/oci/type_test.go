package oci

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestTypeOf(t *testing.T) {
	tests := map[string]types.MediaType{
		`{"schemaVersion":2,"config":{},"layers":[]}`:                        types.OCIManifestSchema1,
		`{"schemaVersion":2,"manifests":[]}`:                                 types.OCIImageIndex,
		`{"schemaVersion":2,"mediaType":"application/x","config":{}}`:        "application/x",
		`{"schemaVersion":2,"config":{},"layers":[],"manifests":[]}`:         "",
		`{"schemaVersion":2,"config":{}}`:                                    "",
		`{"schemaVersion":1,"manifests":[]}`:                                 "",
		`{"schemaVersion":2,"manifests":[],"mediaType":"a","mediaType":"b"}`: "",
		`{"tags":[]}`: "",
		`<html>`:      "",
		``:            "",
	}
	for body, want := range tests {
		if got := TypeOf([]byte(body)); got != want {
			t.Errorf("TypeOf(%s) = %q, want %q", body, got, want)
		}
	}
}
